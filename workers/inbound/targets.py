"""The tickets that a batch's mails name: by Message-ID, by a reply that came first, by the tag in the subject.

It uses the batch context and the tickets that this batch opens. The caller decides whether the sender may write there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from desk.channels import traits_of
from desk.tickets import subject, threading
from desk.tickets.participants import Participation
from desk.tickets.threading import Candidate, Signal
from desk.tickets.ticket import Ticket
from workers.inbound.batch_context import BatchContext
from workers.inbound.item import Item

_BY_KEY = (Signal.REFERENCES, Signal.CONVERSATION, Signal.LATE)


@dataclass
class Target:
    """A ticket that is there, or one that `opener` opens (`ticket` is None until it has its number).

    `people` are those who take part, each with the word of their Participation.
    """

    people: dict[str, str]
    requester: str
    ticket: Ticket | None = None
    opener: Item | None = None


@dataclass
class Targets:
    """The tickets of a batch; `new_keys` are the keys of messages that this batch gave a ticket."""

    batch: BatchContext
    secret: bytes
    new_keys: dict[str, Target] = field(default_factory=dict)
    _targets: dict[int, Target] = field(default_factory=dict)

    def target(self, number: int) -> Target | None:
        """The ticket of that number, or the one that it was merged into."""
        ticket = self.batch.tickets.get(number)
        while ticket is not None and ticket.merged_into:
            ticket = self.batch.tickets.get(ticket.merged_into)
        if ticket is None:
            return None
        if ticket.id not in self._targets:
            people = self.batch.people_of.get(ticket.id, {})
            requester = next((a for a, part in people.items() if part == Participation.REQUESTER), "")
            self._targets[ticket.id] = Target(people, requester, ticket)
        return self._targets[ticket.id]

    def of_candidate(self, candidate: Candidate | None) -> Target | None:
        """The ticket that a candidate names."""
        if candidate is None:
            return None
        if candidate.signal in _BY_KEY and candidate.detail in self.new_keys:
            return self.new_keys[candidate.detail]
        return self.target(candidate.ticket_id)

    def candidate_of(self, item: Item) -> Candidate | None:
        """The ticket that a mail names by anything but a reply address, whoever wrote it."""
        signed = item.keys.signed_ids
        if signed:
            return Candidate(signed[0][0], Signal.MESSAGE_ID, signed[0][1])
        return self.by_reference(item) or self._by_subject(item)

    def candidate_of_replies(self, item: Item) -> Candidate | None:
        """The ticket of the replies to this mail, which came before it and hold its id; none names what has no id."""
        key = self.batch.key_of(item)
        if key == item.keys.content:
            return None
        target = self.new_keys.get(key) or self.target(self.batch.keys[key].ticket_id)
        return Candidate(target.ticket.id if target.ticket else 0, Signal.LATE, key) if target else None

    def by_reference(self, item: Item) -> Candidate | None:
        """The nearest message that it names and that is known here."""
        keys = item.keys.named
        known = {key: self._number(key) for key in keys}
        return threading.first_known(keys, {k: n for k, n in known.items() if n is not None}, item.request.channel)

    def _by_subject(self, item: Item) -> Candidate | None:
        if not traits_of(item.request.channel).is_mail:
            return None
        numbers = [number for number in subject.tags(item.request.subject) if number in self.batch.tickets]
        return Candidate(numbers[0], Signal.SUBJECT, subject.tag(numbers[0])) if numbers else None

    def _number(self, key: str) -> int | None:
        """The ticket behind a key; 0 for one that this batch opens."""
        if key in self.new_keys:
            target = self.new_keys[key]
            return target.ticket.id if target.ticket else 0
        known = self.batch.keys.get(key)
        return known.ticket_id if known and known.ticket_id else None
