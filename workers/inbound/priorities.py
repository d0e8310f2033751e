"""The priority of a batch's tickets, and of tickets that a later message makes more urgent.

The text is assessed before the transaction, the requester (a VIP or not) is added in it. The rules are in
`desk/priority/assess.py`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import structlog

from desk.config.settings import Settings
from desk.mail.inbound_request import AutoKind, InboundRequest
from desk.priority import assess as priority
from desk.priority.assess import Judgement
from desk.priority.levels import Priority
from desk.priority.signals import Impact, Urgency
from desk.tickets import raise_priority
from desk.tickets.ticket import Change
from storage.people.people import Person
from storage.runtime.failures import reason_of

log = structlog.get_logger()

_UNJUDGED = Judgement(Priority.MEDIUM, Impact.ONE, Urgency.NORMAL)


def evaluate(request: InboundRequest, settings: Settings) -> Judgement:
    """The priority of a new request, whoever wrote it. Automatic mail gets the usual one."""
    if request.auto is not AutoKind.NONE:
        return _UNJUDGED
    return _judged(request.reply or request.text, request.subject, settings)


def _judged(text: str, subject: str, settings: Settings) -> Judgement:
    """The judgement; where the rules fail on a text, the usual priority with the reason."""
    try:
        by = priority.matrix(settings.priority_matrix)
        return priority.judge(text, subject, by=by, trained=settings.priority_trained)
    except Exception as error:
        log.exception("priority_not_judged")
        return replace(_UNJUDGED, reasons=(f"could not be judged: {reason_of(error)}",))


def for_person(judgement: Judgement, person: Person) -> Judgement:
    """The same from somebody who may be a VIP."""
    return priority.for_requester(judgement, vip=person.vip)


def after_message(change: Change, words: str, person: Person, settings: Settings, at: datetime) -> Change:
    """The ticket after a further message of its requester, which may raise its priority."""
    ticket = change.ticket
    if person.id != ticket.requester_id or not raise_priority.may_rise(ticket):
        return change
    judgement = for_person(_judged(words, "", settings), person)
    return change.then(raise_priority.raised(ticket, judgement, at))
