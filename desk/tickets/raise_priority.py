"""When a later message of its requester makes a ticket more urgent: never against what an agent decided."""

from __future__ import annotations

from datetime import datetime

from desk.priority import assess
from desk.priority.assess import Judgement
from desk.priority.levels import Priority
from desk.priority.reasons import BY_AGENT
from desk.tickets.ticket import DESK, Change, Ticket
from desk.tickets.transitions import set_priority


def may_rise(ticket: Ticket) -> bool:
    """Whether words could make it more urgent: not where an agent decided, nor above Urgent."""
    return ticket.priority_why.set_by != BY_AGENT and ticket.priority is not Priority.URGENT


def raised(ticket: Ticket, judgement: Judgement, at: datetime) -> Change:
    """The ticket after a later message of its requester: more urgent or as before, and never if an agent decided."""
    order = list(Priority)
    if not may_rise(ticket) or order.index(judgement.priority) >= order.index(ticket.priority):
        return Change(ticket)
    reasons = "; ".join(judgement.reasons)
    return set_priority(ticket, judgement.priority, DESK, at, reasons, because=assess.why(judgement))
