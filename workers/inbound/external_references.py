"""External references: ticket numbers of other desks in a batch's subjects, and the tickets of ours that they mean.

Such a number brings the mails of two desks that write to each other onto one ticket although no Message-ID joins them.
It gives nobody access to a ticket: what it means depends on the organisation of the person who uses it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from desk.mail.authentication import Verdict
from desk.mail.inbound_request import AutoKind
from desk.mail.states import InboundState
from desk.tickets import threading
from desk.tickets.participants import SIGNED
from storage.db.session import Session
from storage.mail import external_references
from storage.mail.external_references import Key

if TYPE_CHECKING:
    from workers.inbound.item import Item
    from workers.inbound.match import Decision
    from workers.inbound.targets import Target


@dataclass
class ExternalReferences:
    """The references of a batch's mails by inbound id, the tickets of known ones, and the targets of new ones."""

    of: Mapping[int, tuple[Key, ...]]
    known: Mapping[Key, int]
    new: dict[Key, Target] = field(default_factory=dict)

    def learn(self, decision: Decision) -> None:
        """From now on the references of a mail that opened or joined a ticket mean it; known ones stay."""
        target = decision.target
        if target is None or not _is_learned(decision):
            return
        for key in self._keys_of(decision, target):
            if key not in self.known or decision.link_kind == "follow-up":
                self.new.setdefault(key, target)

    def stored_keys(self) -> dict[Key, int]:
        """The references to store, once every ticket has its number."""
        return {key: target.ticket.id for key, target in self.new.items() if target.ticket is not None}

    def _keys_of(self, decision: Decision, target: Target) -> tuple[Key, ...]:
        """The references of a forwarded mail belong to its original author."""
        keys = self.of.get(decision.item.inbound_id, ())
        passed_on = decision.state == InboundState.TICKETED and target.requester != decision.item.sender
        return (
            threading.external_reference_keys(decision.item.request, target.requester) if keys and passed_on else keys
        )


def load(session: Session, items: Sequence[Item]) -> ExternalReferences:
    """One statement for a batch, and none where no subject has a number."""
    of = {
        item.inbound_id: keys
        for item in items
        if (keys := threading.external_reference_keys(item.request, item.sender))
    }
    return ExternalReferences(
        of, external_references.find_tickets(session, {key for keys in of.values() for key in keys})
    )


def may_append(item: Item, people: Mapping[str, str], own_domains: Collection[str], trust: Verdict) -> bool:
    """Whether a mail may join the ticket that its number means: a person behind a mail brings no organisation."""
    believed = item.behind is None and item.request.sender_clear and trust is not Verdict.FAIL
    taking_part = [each for each, part in people.items() if part in SIGNED]
    return believed and threading.may_speak_for_desk(item.request.sender.address, taking_part, own_domains)


def _is_learned(decision: Decision) -> bool:
    """Whether references are learned from it: not from forged mail, bounces, our own mail and side conversations."""
    if decision.side is not None:
        return False
    if decision.trust is Verdict.FAIL or decision.reason or decision.item.request.auto is AutoKind.BOUNCE:
        return False
    return decision.state in (InboundState.TICKETED, InboundState.APPENDED, InboundState.AUTOMATIC)
