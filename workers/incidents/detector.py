"""The detect_incidents job: counts opened tickets, links duplicates, opens and ends incidents, runs bulk orders.

It runs beside intake and never in its transaction. It is idempotent: a ticket is counted once, a key has one open
incident, and one process writes at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from desk.incidents import detector as incident_detector
from desk.incidents import duplicates
from desk.incidents.detector import Alarm, Detector, Key, Window
from desk.mail.inbound_request import UNKNOWN_SENDER
from desk.people.organisations import organisation
from desk.tickets.ticket import MessageKind
from storage.db.session import Session
from storage.incidents import detector_counts, incidents
from storage.incidents.detector_counts import LONGEST_TEXT, CountedTicket, OpenedTicket
from storage.incidents.incidents import QUIET, Incident
from storage.runtime import failures
from usecases.incidents import bulk_orders
from usecases.incidents import duplicates as incidents_duplicates
from usecases.incidents.duplicates import EarlierTicket
from workers.incidents import grouping
from workers.runtime import isolation
from workers.runtime.context import Context
from workers.runtime.isolation import Work

log = structlog.get_logger()

LATE = timedelta(hours=2)
"""Mail that was written so long before it came is a backlog that is fetched, not many people at once."""
SURE_ENOUGH = 0.3
"""A guess that needs a human still counts for the detector with this probability: an outage is not one mail."""


def drain(context: Context) -> int:
    """Counts all tickets opened since the last run, runs bulk orders, and ends quiet incidents."""
    done = 0
    while seen := _count_page(context):
        done += seen
        if seen < detector_counts.PAGE:
            break
    done += isolation.drain(context, lambda: _orders(context))
    _end_quiet_incidents(context)
    return done


def _count_page(context: Context) -> int:
    """One page of opened tickets; what is read before the lock may have been counted by somebody else meanwhile."""
    with context.store.database.reading() as session:
        # Tickets are counted also while detection is off: the usual rate must be known when it is switched on.
        rules = context.configuration(session).detector
        opened = detector_counts.load_new_tickets(session, detector_counts.floor(session))
    if not opened:
        return 0

    def claim(session: Session) -> list[OpenedTicket]:
        unseen = detector_counts.without_counted(
            session, detector_counts.lock_floor(session), [one.ticket_id for one in opened]
        )
        return [one for one in opened if one.ticket_id in unseen]

    def do(session: Session, rows: Sequence[OpenedTicket]) -> int:
        _count(context, session, rows, rules, context.now())
        return len(rows)

    def put_off(session: Session, row: OpenedTicket, _reason: str) -> None:
        # Marked as counted, without a category: the next run must not begin with it.
        detector_counts.count_tickets(
            session, [CountedTicket(row.ticket_id, row.at, row.requester_id)], context.now(), ()
        )

    return isolation.batch(context, Work("detect_incidents", claim, do, lambda one: one.ticket_id, put_off=put_off))


def _count(context: Context, session: Session, mine: Sequence[OpenedTicket], rules: Detector, now: datetime) -> None:
    reports = [_report(one) for one in mine]
    running = incidents.list_open(session)
    detector_counts.count_tickets(session, reports, now, {one.category for one in running})
    lately = [one for one in mine if one.at > now - duplicates.WITHIN]
    _link_repeats(context, session, lately, now)
    _evaluate(context, session, reports, lately, rules, now)
    detector_counts.move_floor(session, mine, detector_counts.floor(session), now)


def _report(one: OpenedTicket) -> CountedTicket:
    """How a ticket counts; automatic mail, agents' own tickets and what nobody can name do not."""
    category = _category(one)
    counts = one.kind == MessageKind.REPLY and not one.by_agent and one.address != UNKNOWN_SENDER
    counts = counts and (one.sent_at is None or one.at - one.sent_at < LATE)
    where = organisation(one.address)
    return CountedTicket(
        one.ticket_id,
        one.at,
        one.requester_id,
        category if counts and category else "",
        "" if where == one.address.lower() or "@" not in one.address else where,
    )


def _category(one: OpenedTicket) -> str | None:
    """What it has, else what was guessed, else the first runner-up, if that is likely enough."""
    best = one.guess or (str(one.runners_up[0][0]) if one.runners_up else None)
    return one.category or (best if one.probability >= SURE_ENOUGH else None)


def _link_repeats(context: Context, session: Session, opened: Sequence[OpenedTicket], now: datetime) -> None:
    """Links the second of two requests with the same text to the first; nothing is merged."""
    human = [one for one in opened if one.kind == MessageKind.REPLY and one.address != UNKNOWN_SENDER]
    if not human:
        return
    new = {one.ticket_id for one in human}
    since = min(one.at for one in human)
    by_person: dict[int, list[EarlierTicket]] = {}
    several = incidents_duplicates.frequent_requesters(session, {one.requester_id for one in human}, since)
    for one in incidents_duplicates.opened_by(session, several, since, LONGEST_TEXT):
        by_person.setdefault(one.requester_id, []).append(one)
    pairs = [pair for own in by_person.values() for pair in _repeats(own, new)]
    linked = incidents_duplicates.link_duplicates(session, pairs, now, react=context.react)
    if linked:
        log.info("repeats_linked", count=linked)


def _repeats(own: Sequence[EarlierTicket], new: Collection[int]) -> list[tuple[int, int]]:
    """(repeat, first) of the new ones among one person's tickets, which come oldest first."""
    lines = [(one, duplicates.line(one.text)) for one in own]
    pairs = []
    for place, (one, words) in enumerate(lines):
        if one.ticket_id not in new:
            continue
        probes = duplicates.probes(words)
        near = (other for other, theirs in lines[:place] if any(probe in theirs for probe in probes))
        if first := next((other.ticket_id for other in near if _is_same_text(one, other)), None):
            pairs.append((one.ticket_id, first))
    return pairs


def _is_same_text(one: EarlierTicket, other: EarlierTicket) -> bool:
    within = one.at - other.at <= duplicates.WITHIN
    return within and duplicates.is_repeat(
        duplicates.said(one.subject, one.text), duplicates.said(other.subject, other.text)
    )


def _evaluate(
    context: Context,
    session: Session,
    reports: Sequence[CountedTicket],
    opened: Sequence[OpenedTicket],
    rules: Detector,
    now: datetime,
) -> None:
    """Opens incidents for alarms, and groups new tickets into open ones."""
    counted = [
        one for one in reports if one.category and one.at > now - timedelta(minutes=max(incident_detector.WINDOWS))
    ]
    running = {one.key: one for one in incidents.list_open(session)}
    covered = {key.category for key in running if not key.organisation}
    touched = {Key(one.category) for one in counted if one.category not in covered}
    touched |= {Key(one.category, one.organisation) for one in counted if one.organisation} if touched else set()
    candidates = (
        {key for key in touched if key.category not in covered and key not in running} if rules.watches else set()
    )
    for alarm in _alarms(session, candidates, rules, now):
        _open(context, session, alarm, running, now)
    if running:
        grouping.group_new(context, session, list(running.values()), reports, opened, now)


def _alarms(session: Session, touched: set[Key], rules: Detector, now: datetime) -> list[Alarm]:
    """The alarms of these keys; an organisation's only where its whole category is calm."""
    known = detector_counts.history_start(session, now) if touched else None
    if known is None or not incident_detector.knows_enough(incident_detector.past(known, now)):
        return []
    found = detector_counts.load_windows(session, now)
    candidates = [key for key in sorted(touched, key=lambda k: (k.organisation, k.category)) if _enough(found.get(key))]
    if not candidates:
        return []
    rates = _rates(session, candidates, found, now)
    false = incidents.dismissed_keys(
        session, {key.category for key in candidates}, now - timedelta(days=rules.remember_days)
    )
    alarms: dict[str, Alarm] = {}
    for key in candidates:
        alarm = incident_detector.alarm(key, found[key], rates[key], false.get(key, 0), rules)
        if alarm is not None:
            alarms.setdefault(key.category, alarm)
    return list(alarms.values())


def _rates(
    session: Session, candidates: Sequence[Key], found: Mapping[Key, Sequence[Window]], now: datetime
) -> dict[Key, incident_detector.Rate]:
    """What is usual now for each of these keys."""
    whole = {Key(key.category) for key in candidates}
    places = {Key("", key.organisation) for key in candidates if key.organisation}
    known = detector_counts.load_history(session, {*candidates, *whole, *places}, now)
    desk, since = known.get(Key(""), (incident_detector.Traffic(), now))
    past = incident_detector.past(since, now)
    messages = sum(windows[-1].messages for key, windows in found.items() if not key.organisation)
    rates: dict[Key, incident_detector.Rate] = {}
    for key in sorted(whole, key=lambda k: k.category):
        own, first = known.get(key, (incident_detector.Traffic(), now))
        others = messages - (found[key][-1].messages if key in found else 0)
        busy = incident_detector.busyness(others, desk, past)
        rates[key] = incident_detector.rate_of(own, (now - first).total_seconds() / 3600, desk, past, busy)
    for key in candidates:
        if key.organisation:
            own, _ = known.get(key, (incident_detector.Traffic(), now))
            share, _ = known.get(Key("", key.organisation), (incident_detector.Traffic(), now))
            rates[key] = incident_detector.rate_of_organisation(rates[Key(key.category)], own, share, desk, past)
    return rates


def _open(context: Context, session: Session, alarm: Alarm, running: dict[Key, Incident], now: datetime) -> None:
    """A new incident; or the one of an organisation, when others have the same trouble."""
    open_incident = next((one for key, one in running.items() if key.category == alarm.key.category), None)
    if open_incident is not None:
        if not alarm.key.organisation:
            incidents.widen(session, open_incident.id, alarm)
            grouping.group_first(context, session, open_incident.id, alarm, now)
        return
    number = incidents.open_incident(session, alarm, now)
    if number is None:
        return
    grouping.group_first(context, session, number, alarm, now, notify=True)
    log.info("incident_opened", incident_id=number, people=alarm.people, minutes=alarm.minutes)


def _orders(context: Context) -> Work[int]:
    """One step of the oldest order; intake has its turn between two steps."""

    def claim(session: Session) -> list[int]:
        return bulk_orders.waiting_orders(session, context.now())[:1]

    def do(session: Session, orders: Sequence[int]) -> int:
        for number in orders:
            bulk_orders.run_step(session, number, context.now())
        return len(orders)

    return Work(bulk_orders.JOB, claim, do, int, binds="order_id")


def _end_quiet_incidents(context: Context) -> None:
    """Ends incidents whose last hour was ordinary; removes old counts once an hour."""
    now = context.now()
    with context.store.database.reading() as session:
        calm = timedelta(minutes=context.configuration(session).detector.quiet_minutes)
        aged = [one for one in incidents.list_open(session) if one.opened_at <= now - calm]
        over = _over(session, aged, now) if aged else []
        stale = detector_counts.has_old_rows(session, now)
    if not over and not stale:
        return
    with context.store.database.transaction() as session:
        detector_counts.lock_floor(session)
        for one in over:
            failures.attempt(session, "end_incidents", one.id, partial(_go_quiet, session, one, now), now)
        detector_counts.delete_old(session, now)


def _go_quiet(session: Session, incident: Incident, now: datetime) -> int:
    ended = incidents.end(session, incident.id, QUIET, now)
    if ended:
        log.info("incident_went_quiet", incident_id=incident.id)
    return int(ended)


def _over(session: Session, aged: Sequence[Incident], now: datetime) -> list[Incident]:
    found = detector_counts.load_windows(session, now)
    rates = _rates(session, [one.key for one in aged], found, now)
    nothing = Window(max(incident_detector.WINDOWS), 0, 0)
    return [
        one
        for one in aged
        if incident_detector.is_over(found[one.key][-1] if one.key in found else nothing, rates[one.key])
    ]


def _enough(windows: Sequence[Window] | None) -> bool:
    return windows is not None and windows[-1].people >= incident_detector.FEWEST_PEOPLE
