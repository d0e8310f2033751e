"""Groups tickets into an incident: those of its time window, and those that come while it is open.

A ticket of the same category with similar text becomes a member, and its priority is raised unless an agent has set it.
Same category with other text, or another category with very similar text, is a suggestion that an agent may accept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from desk.incidents import similarity
from desk.incidents.detector import FEWEST_PEOPLE, WINDOWS, Alarm
from desk.priority import assess as priority
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Event
from storage.db.session import Session
from storage.incidents import detector_counts, incidents
from storage.incidents.detector_counts import LONGEST_TEXT, CountedTicket, OpenedTicket
from storage.incidents.incidents import MEMBER, SUGGESTED, Incident
from storage.tickets import tickets
from usecases.incidents import members as incident_members
from usecases.incidents.members import Joining
from workers.runtime.context import Context

_USUAL = 80
_CORE = 60
_NO_WORDS = 0.0


def group_first(
    context: Context, session: Session, number: int, alarm: Alarm, now: datetime, *, notify: bool = False
) -> None:
    """Groups the tickets before the alarm, in the longer window; with `notify` the leads are notified."""
    since = now - timedelta(minutes=max(WINDOWS))
    reports = detector_counts.recent_reports(session, alarm.key, since)
    texts = incidents.opening_texts(session, [one.ticket_id for one in reports], LONGEST_TEXT)
    core = similarity.core(list(texts.values()), _usual(session, alarm.key.category, since))
    places = {number: _place(core.likeness(text)) for number, text in texts.items()}
    inside = {one.requester_id for one in reports if places[one.ticket_id][0] == MEMBER}
    if len(inside) < FEWEST_PEOPLE:
        # Nothing in common but category and time: that is what the alarm is about.
        begun = now - timedelta(minutes=alarm.minutes)
        places = {one.ticket_id: (MEMBER if one.at > begun else SUGGESTED, _NO_WORDS) for one in reports}
    _take_in(context, session, number, places, now, notify=notify)


def group_new(
    context: Context,
    session: Session,
    running: Sequence[Incident],
    reports: Sequence[CountedTicket],
    opened: Sequence[OpenedTicket],
    now: datetime,
) -> None:
    """Compares new tickets with every open incident; a ticket joins the most similar one."""
    lately = {one.ticket_id for one in opened}
    new = [one for one in reports if one.ticket_id in lately and one.category]
    texts = incidents.opening_texts(session, [one.ticket_id for one in new], LONGEST_TEXT) if new else {}
    said = {number: similarity.words(text) for number, text in texts.items()}
    best: dict[int, tuple[int, str, float]] = {}
    for one in running if new else ():
        core = _core_of(session, one)
        for report in new:
            state, like = _evaluated(one, core, report, said[report.ticket_id])
            if state and like >= best.get(report.ticket_id, (0, "", -1.0))[2]:
                best[report.ticket_id] = (one.id, state, like)
    for one in running:
        places = {ticket: (state, like) for ticket, (number, state, like) in best.items() if number == one.id}
        _take_in(context, session, one.id, places, now)


def _take_in(
    context: Context,
    session: Session,
    number: int,
    places: Mapping[int, tuple[str, float]],
    now: datetime,
    *,
    notify: bool = False,
) -> None:
    new = incidents.add_tickets(session, number, places, now)
    members = [ticket for ticket in new if places[ticket][0] == MEMBER]
    if not members:
        return
    why = "the same category and like words, at the same time"
    by = priority.matrix(context.store.settings.priority_matrix)
    incident_members.add_members(session, number, members, by, Joining(DESK, now, why, react=context.react))
    if notify:
        found = incidents.get(session, number)
        event = Event(
            members[0], now, EventKind.INCIDENT_OPENED, DESK, after=str(number), why=found.why if found else ""
        )
        tickets.add_events(session, [event], react=context.react)


def _place(like: float) -> tuple[str, float]:
    return (MEMBER if like >= similarity.MEMBER else SUGGESTED), like


def _evaluated(one: Incident, core: similarity.Core, report: CountedTicket, said: frozenset[str]) -> tuple[str, float]:
    like = core.weigh(said)
    if report.category == one.category and one.organisation in ("", report.organisation):
        return _place(like)
    return (SUGGESTED, like) if like >= similarity.SUGGESTED_FROM_AFAR else ("", like)


def _core_of(session: Session, one: Incident) -> similarity.Core:
    members = [joined.ticket_id for joined in incidents.list_tickets(session, one.id, MEMBER, most=_CORE)]
    texts = incidents.opening_texts(session, members, LONGEST_TEXT)
    return similarity.core(list(texts.values()), _usual(session, one.category, one.opened_at - timedelta(hours=1)))


def _usual(session: Session, category: str, before: datetime) -> list[str]:
    return incidents.usual_texts(session, category, before, _USUAL, LONGEST_TEXT)
