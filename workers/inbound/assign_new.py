"""Routes the tickets that a batch opened, at the end of its transaction, so that notices already name the assignee.

A desk without routing rules and without routing teams pays nothing. The rules are in `desk/routing/routing.py`; later
assignments are made by `workers/timers/reassign.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from desk.mail.inbound_request import InboundRequest
from desk.mail.states import InboundState
from desk.rules.ticket_facts import Around
from desk.text.language import language
from desk.tickets.ticket import DONE, Ticket
from storage.db.session import Session
from storage.tickets import ticket_facts, tickets
from usecases.routing import assign as assignment
from usecases.routing.assign import RoutingRequest, RoutingSetup
from workers.inbound.match import Decision
from workers.inbound.prefetch import classifier_text
from workers.runtime.context import Context

log = structlog.get_logger()


def route_new(context: Context, session: Session, decisions: Sequence[Decision], now: datetime) -> None:
    """An owner, or a flag, for every ticket that this batch opened."""
    by = context.configuration(session).routing
    if not by.active:
        return
    requests = {d.target.ticket.id: d.item.request for d in decisions if _opened(d) and d.target and d.target.ticket}
    fresh = tickets.get_many(session, requests)
    open_ones = [
        ticket
        for ticket in fresh.values()
        if ticket.merged_into is None and ticket.assignee_id is None and ticket.status not in DONE
    ]
    if not open_ones:
        return
    now = now.astimezone(ZoneInfo(context.store.settings.time_zone))
    asked = _asked(context, session, by, [(ticket, requests[ticket.id]) for ticket in open_ones])
    made, roster = assignment.route(session, asked, by, now)
    changed = assignment.save_results(session, made, roster, now, react=context.react)
    owned = sum(ticket.assignee_id is not None for ticket in changed)
    log.info("tickets_routed", count=len(made), owned=owned)


def _opened(decision: Decision) -> bool:
    return decision.state == InboundState.TICKETED


def _asked(
    context: Context, session: Session, by: RoutingSetup, found: Sequence[tuple[Ticket, InboundRequest]]
) -> list[RoutingRequest]:
    requesters = {ticket.requester_id for ticket, _ in found}
    people = ticket_facts.load_people(session, requesters) if by.rules else {}
    previous = assignment.previous_agents(session, requesters) if by.wants_previous else {}
    boxes = {box.id: box.address for box in context.configuration(session).mailboxes.values()}
    made = []
    for ticket, request in found:
        base = people.get(ticket.requester_id, Around())
        around = replace(
            base,
            language=base.language or language(classifier_text(request)),
            mailbox=boxes.get(ticket.mailbox_id or 0, ""),
            team=by.teams[ticket.team_id].name if ticket.team_id in by.teams else "",
            text=request.reply or request.text,
            attachments=tuple(one.name for one in request.attachments),
            event="opened",
        )
        made.append(RoutingRequest(ticket, around, previous.get(ticket.requester_id), new=True))
    return made
