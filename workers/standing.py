"""What a mail's sender is worth to its ticket: whether the sender was verified, and who came along with the mail.

Whoever is new in a conversation is suggested to the agents and never put in copy by the desk itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from desk.mail.authentication import Verdict
from desk.tickets.ticket import Change, Event
from workers.inbound.match import Decision


def unverified(decision: Decision) -> dict[str, Any]:
    """What an event says of a sender whom our own mail server could not verify."""
    return {"verified": False} if decision.trust is Verdict.FAIL else {}


def marked(change: Change, decision: Decision) -> Change:
    """The change that a further message makes, with what there is to say of its sender and of newcomers."""
    if not change.events:
        return change
    told = unverified(decision) | ({"newcomers": list(decision.newcomers)} if decision.newcomers else {})
    if not told:
        return change
    first = replace(change.events[0], data={**change.events[0].data, **told})
    asked = [_suggestion(first, decision)] if decision.newcomers else []
    return replace(change, events=(first, *change.events[1:], *asked))


def _suggestion(event: Event, decision: Decision) -> Event:
    names = ", ".join(decision.newcomers)
    why = "new in this conversation: they get no copies before an agent puts them in copy"
    data = {"addresses": list(decision.newcomers)}
    return replace(event, kind="copy_suggested", before="", after=names, why=why, data=data)
