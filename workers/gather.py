"""An incident gathers its tickets: those of its window, and those that come while it is open.

Same category and like words: a member, raised to Urgent with an event unless an agent has set its priority. Same
category and other words, or another category and very like words: a suggestion, which an agent takes in or leaves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from desk import likeness
from desk import ticket as verbs
from desk.incident import FEWEST_PEOPLE, WINDOWS, Alarm
from desk.ticket import DESK, Actor, ActorKind, Change, Event, Priority, Status, Ticket
from storage import incident_reports, incidents, tickets
from storage.incident_reports import LONGEST_TEXT, Opened, Report
from storage.incidents import MEMBER, SUGGESTED, Incident
from storage.transaction import Session
from workers.context import Context

_USUAL = 80
_CORE = 60
_NO_WORDS = 0.0
_Places = dict[int, tuple[str, float]]


def first(context: Context, session: Session, number: int, alarm: Alarm, now: datetime, *, tell: bool = False) -> None:
    """What came before the alarm, in the longer window; with `tell` the leads will hear of it."""
    since = now - timedelta(minutes=max(WINDOWS))
    reports = incident_reports.lately(session, alarm.key, since)
    texts = incidents.words_of(session, [one.ticket_id for one in reports], LONGEST_TEXT)
    core = likeness.core(list(texts.values()), _usual(session, alarm.key.category, since))
    places = {number: _place(core.likeness(text)) for number, text in texts.items()}
    inside = {one.requester_id for one in reports if places[one.ticket_id][0] == MEMBER}
    if len(inside) < FEWEST_PEOPLE:
        # Nothing in common but category and time: that is what the alarm is about.
        begun = now - timedelta(minutes=alarm.minutes)
        places = {one.ticket_id: (MEMBER if one.at > begun else SUGGESTED, _NO_WORDS) for one in reports}
    _take_in(context, session, number, places, now, tell=tell)


def later(
    context: Context,
    session: Session,
    running: Sequence[Incident],
    reports: Sequence[Report],
    opened: Sequence[Opened],
    now: datetime,
) -> None:
    """New tickets against every open incident; a ticket joins the one that it is most like."""
    texts = {one.ticket_id: f"{one.subject}\n{one.text}" for one in opened}
    new = [one for one in reports if one.ticket_id in texts and one.category]
    best: dict[int, tuple[int, str, float]] = {}
    for one in running if new else ():
        core = _core_of(session, one)
        for report in new:
            state, like = _judged(one, core, report, texts[report.ticket_id])
            if state and like >= best.get(report.ticket_id, (0, "", -1.0))[2]:
                best[report.ticket_id] = (one.id, state, like)
    for one in running:
        places = {ticket: (state, like) for ticket, (number, state, like) in best.items() if number == one.id}
        _take_in(context, session, one.id, places, now)


def include(session: Session, number: int, ticket_id: int, actor: Actor, now: datetime, *, react: bool = True) -> bool:
    """An agent takes a suggested ticket in."""
    if not incidents.move(session, number, ticket_id, MEMBER):
        return False
    _raise_all(session, number, [ticket_id], now, "taken in by an agent", actor, react=react)
    return True


def _take_in(
    context: Context,
    session: Session,
    number: int,
    places: Mapping[int, tuple[str, float]],
    now: datetime,
    *,
    tell: bool = False,
) -> None:
    new = incidents.join(session, number, places, now)
    members = [ticket for ticket in new if places[ticket][0] == MEMBER]
    if not members:
        return
    _raise_all(
        session, number, members, now, "the same category and like words, at the same time", DESK, react=context.react
    )
    if tell:
        found = incidents.get(session, number)
        event = Event(members[0], now, "incident_opened", DESK, after=str(number), why=found.why if found else "")
        tickets.add_events(session, [event], react=context.react)


def _raise_all(
    session: Session, number: int, members: Sequence[int], now: datetime, why: str, actor: Actor, *, react: bool
) -> None:
    """Every member gets its event, and Urgent where no agent has said otherwise."""
    count, begun, last = incidents.reach(session, number)
    incidents.note_people(session, number, count, last or now)
    minutes = max(1, math.ceil(((last or now) - (begun or now)).total_seconds() / 60))
    held = tickets.get_many(session, members, lock=True)
    set_by = incidents.priority_set_by(session, held)
    affects = f"affects many users: {count} people in {minutes} minutes"
    changes = []
    for ticket_id, ticket in sorted(held.items()):
        joined = Event(ticket_id, now, "incident_joined", actor, after=str(number), why=why)
        change = Change(replace(ticket, updated_at=now), (joined,))
        by_agent = set_by.get(ticket_id, ("", None, ""))[0] == str(ActorKind.AGENT)
        changes.append(change if by_agent else change.then(_raised(change.ticket, number, affects, now)))
    tickets.save_locked(session, changes, react=react)


def _raised(ticket: Ticket, number: int, why: str, now: datetime) -> Change:
    done = ticket.merged_into is not None or ticket.status in (Status.RESOLVED, Status.CLOSED)
    if done or ticket.priority is Priority.URGENT:
        return Change(ticket)
    change = verbs.set_priority(ticket, Priority.URGENT, DESK, now, why)
    return Change(change.ticket, tuple(replace(event, data={"incident": number}) for event in change.events))


def _place(like: float) -> tuple[str, float]:
    return (MEMBER if like >= likeness.MEMBER else SUGGESTED), like


def _judged(one: Incident, core: likeness.Core, report: Report, text: str) -> tuple[str, float]:
    like = core.likeness(text)
    if report.category == one.category and one.organisation in ("", report.organisation):
        return _place(like)
    return (SUGGESTED, like) if like >= likeness.SUGGESTED_FROM_AFAR else ("", like)


def _core_of(session: Session, one: Incident) -> likeness.Core:
    members = [joined.ticket_id for joined in incidents.joined(session, one.id, MEMBER, most=_CORE)]
    texts = incidents.words_of(session, members, LONGEST_TEXT)
    return likeness.core(list(texts.values()), _usual(session, one.category, one.opened_at - timedelta(hours=1)))


def _usual(session: Session, category: str, before: datetime) -> list[str]:
    return incidents.usual_words(session, category, before, _USUAL, LONGEST_TEXT)
