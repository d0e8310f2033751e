"""The desk's mailboxes as of a few seconds ago, for servers that must accept or refuse a recipient at once.

While the database is away, the last known mailboxes stay valid.
"""

from __future__ import annotations

from desk.signed import reply_address
from storage.open_store import Store
from storage.people import people
from storage.people.addresses import canonical, canonical_domain
from storage.people.people import Mailbox


class Directory:
    """The mailboxes, read again by `refresh`; a query never waits for the database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mailboxes: dict[str, Mailbox] = {}

    def refresh(self) -> None:
        """Raises what the database raises."""
        with self._store.database.reading() as session:
            self._mailboxes = {box.address: box for box in people.all_mailboxes(session)}

    @property
    def mailboxes(self) -> list[Mailbox]:
        return list(self._mailboxes.values())

    @property
    def domains(self) -> frozenset[str]:
        """The domains of our mailboxes, and the one that the settings name."""
        domains = {box.rpartition("@")[2] for box in self._mailboxes} | {
            canonical_domain(self._store.settings.mail_domain)
        }
        return frozenset(domains - {""})

    def accepts(self, recipient: str) -> bool:
        """Whether this is a mailbox of ours, with or without a reply token behind a plus sign."""
        wanted = canonical(recipient)
        return wanted in self._mailboxes or reply_address.without_token(wanted) in self._mailboxes

    def is_ours(self, domain: str) -> bool:
        return canonical_domain(domain) in self.domains
