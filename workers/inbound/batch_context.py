"""What a batch of requests needs to know before it is matched, loaded in a few statements for the whole batch."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from ipaddress import ip_address, ip_network

from desk.channels import traits_of
from desk.config.settings import Settings
from desk.incidents.duplicates import AT_ONCE
from desk.mail.authentication import Verdict, verdict
from desk.mail.author import author
from desk.mail.inbound_request import AutoKind, InboundRequest, Party
from desk.signed import reply_address
from desk.tickets import subject, threading
from desk.tickets.side_conversation import Side
from desk.tickets.ticket import Ticket
from storage.db.session import Session
from storage.mail import message_id_index
from storage.mail.message_id_index import IndexedId
from storage.people import people
from storage.people.addresses import canonical_words
from storage.people.people import Person
from storage.tickets import tickets
from usecases.agents import aliases
from usecases.tickets import side_conversations
from workers.inbound import bounces, external_references
from workers.inbound import side_conversations as side_conversation_mail
from workers.inbound.bounces import Delivery
from workers.inbound.external_references import ExternalReferences
from workers.inbound.item import Item


@dataclass
class BatchContext:
    """What is known about a batch; `tickets` and `people_of` grow as the batch is persisted."""

    keys: dict[str, IndexedId]
    persons: dict[str, Person]
    by_id: dict[int, Person]
    tickets: dict[int, Ticket]
    people_of: dict[int, dict[str, str]]
    owners: dict[str, Item] = field(default_factory=dict)
    numbers: ExternalReferences = field(default_factory=lambda: ExternalReferences({}, {}))
    sides: dict[int, Side] = field(default_factory=dict)
    """The side conversations that the batch names; they change as it is persisted."""
    aliases: dict[str, Person] = field(default_factory=dict)
    """Other addresses of agents, as far as mails of this batch were sent to agents' signed addresses."""

    outdated: frozenset[str] = frozenset()
    """Keys of content that came some time ago: the same text now is another message."""

    def person(self, item: Item) -> Person:
        """Its sender; an agent's alias is the agent, where the mail came to an agent's reply address."""
        return self.aliases.get(item.sender) or self.persons[item.sender]

    deliveries: dict[int, Delivery] = field(default_factory=dict)
    """The outbound message that a delivery report is about, by the report's inbound id."""

    def key_of(self, item: Item) -> str:
        """The key that stands for this item: its id, or its content where another message has the id."""
        key = item.keys.own
        known, content = self.keys[key], item.request.content_hash
        if known.row_id and key not in self.outdated:
            return key if known.content_hash == content else item.keys.content
        return key if self.owners[key].request.content_hash == content else item.keys.content


def with_authors(items: list[Item], ours: Collection[str]) -> list[Item]:
    """The items, each with the person behind it; a mail to an agent's reply address is its sender's own."""
    return [
        item if person is None or item.keys.may_command else replace(item, behind=person)
        for item in items
        for person in (author(item.request, ours),)
    ]


def load(session: Session, items: list[Item], secret: bytes, now: datetime) -> BatchContext:
    """Claims the batch's keys, then loads their owners, the senders, and all tickets that are named (locked)."""
    owners, claims = _claims(items)
    keys = message_id_index.claim(session, claims)
    keys |= message_id_index.claim(session, _second_claims(items, keys, owners))
    persons = people.ensure_people(session, _senders(items), now)
    numbers = external_references.load(session, items)
    reports = {item.inbound_id: item.request for item in items if item.request.auto is AutoKind.BOUNCE}
    deliveries = bounces.find_deliveries(session, reports, secret) if reports else {}
    sides = side_conversation_mail.load(session, items, secret, {one.side_id for one in deliveries.values()})
    named = _named_tickets(session, items, keys, secret) | set(numbers.known.values())
    named |= {one.ticket_id for one in deliveries.values()}
    named_tickets = _with_survivors(session, named | {side.ticket_id for side in sides.values()})
    # Again, now that their tickets are held: an agent may have closed or moved one meanwhile.
    sides = side_conversations.by_ids(session, sides)
    keys, outdated = _with_ages(session, items, keys)
    batch = BatchContext(
        keys, persons, {}, named_tickets, tickets.participants_of(session, named_tickets), owners, numbers, sides
    )
    batch.outdated = outdated
    writers = {item.sender for item in items if item.keys.may_command}
    batch.aliases = aliases.agents_by_alias(session, writers) if writers else {}
    batch.deliveries = deliveries
    batch.by_id = people.by_ids(session, _token_people(items) | {t.requester_id for t in named_tickets.values()})
    return batch


def sender_verdict(request: InboundRequest, settings: Settings) -> Verdict:
    """What our receiving MTA says of the sender; in a trial on one machine, the machine itself vouches."""
    peer = request.envelope.peer
    local = peer in ("", "127.0.0.1", "::1", "unix")
    if settings.trial and not settings.authserv_id:
        # What somebody typed into a form or handed to the API is nobody's word for the address.
        handed_in = traits_of(request.channel).is_mail and not request.source.startswith("imap:")
        return Verdict.PASS if local and handed_in else Verdict.NONE
    relayed = request.source.startswith("imap:") or _is_trusted(peer, settings.trusted_relays)
    domain = request.sender.address.rpartition("@")[2]
    return verdict(tuple(map(canonical_words, request.authentication)), settings.authserv_id, relayed, domain)


def _is_trusted(peer: str, networks: tuple[str, ...]) -> bool:
    """Whether that address lies in one of the networks; a unix socket has none and proves nothing."""
    try:
        named_tickets = ip_address(peer)
    except ValueError:
        return False
    return any(named_tickets in ip_network(network) for network in networks)


def _claims(items: list[Item]) -> tuple[dict[str, Item], dict[str, int]]:
    """Own keys first: a key that one message owns and another names belongs to its owner."""
    owners: dict[str, Item] = {}
    claims: dict[str, int] = {}
    for item in items:
        key = item.keys.own
        first = owners.setdefault(key, item)
        if first is not item and first.request.content_hash != item.request.content_hash:
            owners.setdefault(item.keys.content, item)
    for key, item in owners.items():
        claims[key] = item.inbound_id
    for item in items:
        for key in item.keys.named:
            claims.setdefault(key, item.inbound_id)
    return owners, claims


def _second_claims(items: list[Item], keys: dict[str, IndexedId], owners: dict[str, Item]) -> dict[str, int]:
    """A Message-ID that another content holds already proves nothing: such a mail is known by its content alone."""
    claims: dict[str, int] = {}
    for item in items:
        known = keys[item.keys.own]
        if known.row_id and known.content_hash != item.request.content_hash:
            key = item.keys.content
            claims[key] = owners.setdefault(key, item).inbound_id
    return claims


def _with_ages(
    session: Session, items: list[Item], keys: dict[str, IndexedId]
) -> tuple[dict[str, IndexedId], frozenset[str]]:
    """The keys as they are now, and those whose content is that of an earlier message. Most batches have none."""
    received = {i.keys.own: i.request.received_at for i in items if threading.is_timeless(i.request)}
    known = message_id_index.lock_received(session, [key for key in received if keys[key].row_id]) if received else {}
    outdated = {key for key, (_, first) in known.items() if received[key] - first > AT_ONCE}
    # What retention removed is not here any more, but its key may be.
    outdated |= {key for key in received if keys[key].row_id and key not in known}
    return keys | {key: one for key, (one, _) in known.items()}, frozenset(outdated)


def _senders(items: list[Item]) -> list[Party]:
    parties = [Party(item.sender, item.author.name) for item in items]
    forwarded = [item.request.forwarded for item in items if item.request.forwarded]
    return [party for party in (*parties, *forwarded) if party.address]


def _named_tickets(session: Session, items: list[Item], keys: dict[str, IndexedId], secret: bytes) -> set[int]:
    named = {known.ticket_id for known in keys.values() if known.ticket_id}
    for item in items:
        named |= {ticket for ticket, _ in item.keys.signed_ids}
        named |= {part[1] for part in item.keys.tokens if part[0] != reply_address.SIDE_AGENT}
        named |= set(subject.tags(item.request.subject))
        if item.request.bounce and item.request.bounce.original_message_id:
            named.add(reply_address.ticket_of_message_id(item.request.bounce.original_message_id, secret) or 0)
    return {ticket for ticket in named if 0 < ticket < 2**62}


def _with_survivors(session: Session, named: Iterable[int]) -> dict[int, Ticket]:
    """The named tickets, and whatever they were merged into."""
    named_tickets = tickets.get_many(session, named, lock=True)
    missing = {t.merged_into for t in named_tickets.values() if t.merged_into and t.merged_into not in named_tickets}
    while missing:
        merged = tickets.get_many(session, [m for m in missing if m is not None], lock=True)
        named_tickets |= merged
        missing = {t.merged_into for t in merged.values() if t.merged_into and t.merged_into not in named_tickets}
    return named_tickets


def _token_people(items: list[Item]) -> set[int]:
    parts = (part for item in items for part in item.keys.tokens)
    return {part[2] for part in parts if part[0] != reply_address.SIDE and part[2] < 2**62}
