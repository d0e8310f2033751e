"""Routes the new tickets of a batch, at the end of its transaction: whoever is told of a ticket is told whose it is.

A desk without rules whose teams all take their tickets by hand pays nothing. In: what was decided and settled. Out:
owners, flags and their events. The rule is `desk/routing/routing.py`; what happens later to a ticket is
`workers/timers/reassign.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from desk.mail.inbound_request import InboundRequest
from desk.rules.ticket_facts import Around
from desk.text.language import language
from desk.tickets.ticket import DONE, Ticket
from storage.db.session import Session
from storage.tickets import ticket_facts, tickets
from usecases.routing import assign as assignment
from usecases.routing.assign import RoutingRequest, RoutingSetup
from workers.inbound.match import Decision
from workers.inbound.prefetch import words
from workers.runtime.context import Context

log = structlog.get_logger()


def route_new(context: Context, session: Session, decisions: Sequence[Decision], now: datetime) -> None:
    """An owner, or a flag, for every ticket that this batch opened."""
    by = context.places(session).routing
    if not by.active:
        return
    requests = {d.spot.ticket.id: d.item.request for d in decisions if _opened(d) and d.spot and d.spot.ticket}
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
    return decision.state == "ticketed"


def _asked(
    context: Context, session: Session, by: RoutingSetup, found: Sequence[tuple[Ticket, InboundRequest]]
) -> list[RoutingRequest]:
    requesters = {ticket.requester_id for ticket, _ in found}
    people = ticket_facts.load_people(session, requesters) if by.rules else {}
    previous = assignment.previous_agents(session, requesters) if by.wants_previous else {}
    boxes = {box.id: box.address for box in context.places(session).mailboxes.values()}
    made = []
    for ticket, request in found:
        base = people.get(ticket.requester_id, Around())
        around = replace(
            base,
            language=base.language or language(words(request)),
            mailbox=boxes.get(ticket.mailbox_id or 0, ""),
            team=by.teams[ticket.team_id].name if ticket.team_id in by.teams else "",
            text=request.reply or request.text,
            attachments=tuple(one.name for one in request.attachments),
            event="opened",
        )
        made.append(RoutingRequest(ticket, around, previous.get(ticket.requester_id), new=True))
    return made
