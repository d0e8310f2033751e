"""The roll-up that reports read: one row per ticket in `ticket_facts`, computed from its events.

It follows the events above a floor, or computes all tickets for a rebuild. A row is always computed from the ticket's
whole history, so neither the order of the work nor doing it twice changes the result. What the figures mean:
`desk/reports/ticket_figures.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from desk.priority.levels import Priority
from desk.reports import ticket_figures
from desk.reports.ticket_figures import Facts
from desk.sla.business_hours import ALWAYS, Calendar
from desk.tickets.event_data import read_data
from desk.tickets.events import EventKind
from desk.tickets.ticket import Actor, ActorKind, Event, Status, Ticket
from storage.db.session import Session
from storage.db.statements import for_update, insert_ignore, insert_rows
from storage.reports import daily_rollup
from storage.runtime import key_values
from storage.sla import calendars
from storage.tables.desk import clocks, ratings
from storage.tables.reports import ticket_facts
from storage.tables.tickets import events, settings, teams
from storage.tables.tickets import tickets as ticket_table

STATE = "ticket_facts"
PAGE = 2_000
SETTLED = timedelta(minutes=2)
"""Numbers of events are given before their COMMIT; after so long none can still be missing below one that is there."""
FRESH = timedelta(seconds=10)
"""A ticket of which something was heard so lately is left for the next look: most of its events come together."""
HEARD = frozenset({
    EventKind.OPENED, EventKind.REQUESTER_REPLIED, EventKind.REPLIED, EventKind.STATUS_CHANGED, EventKind.REOPENED,
    EventKind.SLA_BREACHED, EventKind.MERGED_INTO, EventKind.UNDELIVERABLE, EventKind.DELIVERY_FAILED,
})  # fmt: skip
"""The events that change a figure; whatever else happens changes at most whose ticket it is."""

_FAILED = (str(EventKind.UNDELIVERABLE), str(EventKind.DELIVERY_FAILED))

Counted = list[tuple[int, int, Facts | None]]
"""Ticket, its newest event, its figures."""


@dataclass(frozen=True, slots=True)
class RollupBatch:
    """Some events above the floor.

    Where the next batch begins, how far the floor may rise, and the tickets that are to be counted.
    """

    upto: int
    floor: int
    tickets: tuple[int, ...]


def floor(session: Session) -> int:
    """The id up to which all events are in the figures."""
    value = key_values.get(session, STATE)
    return int(value["floor"]) if isinstance(value, Mapping) else 0


def lock_floor(session: Session) -> int:
    """Only one process stores figures until this transaction ends; returns the floor."""
    session.execute(insert_ignore(session, settings), {"key": STATE, "value": {"floor": 0}})
    query = sa.select(settings.c.value).where(settings.c.key == STATE)
    return int(session.execute(for_update(session, query)).scalar_one()["floor"])


def is_behind(session: Session) -> bool:
    """Whether there are events that are not in the figures yet."""
    query = sa.select(events.c.id).where(events.c.id > floor(session)).limit(1)
    return session.execute(query).scalar() is not None


def next_batch(
    session: Session, after: int, now: datetime, fresh: timedelta = FRESH, most: int = PAGE
) -> RollupBatch | None:
    """The tickets of the next events; None if there are none."""
    happened = sa.select(events.c.id, events.c.ticket_id, events.c.at).where(events.c.id > after)
    some = happened.order_by(events.c.id).limit(most).subquery().c
    unsure = sa.func.min(sa.case((some.at > now - max(SETTLED, fresh), some.id)))
    query = sa.select(some.ticket_id, sa.func.max(some.id), sa.func.max(some.at), unsure).group_by(some.ticket_id)
    rows: Any = session.execute(query).all()
    if not rows:
        return None
    last_counted = _last_events(session, [number for number, *_ in rows])
    changed_ids = [number for number, last, at, _ in rows if at <= now - fresh and last > last_counted.get(number, 0)]
    upto = max(last for _, last, _, _ in rows)
    unsettled = min((first for *_, first in rows if first is not None), default=upto + 1)
    return RollupBatch(upto, unsettled - 1, tuple(changed_ids))


def save(session: Session, counted: Counted, now: datetime, floor: int | None = None) -> int:
    """Put what was counted in place of what was there, unless somebody has counted later events; `hold` first.

    The days on which it makes a difference are loose from now on. Returns how many tickets say something else now.
    """
    there = _stored_rows(session, [number for number, _, _ in counted])
    new = [(number, last, figures) for number, last, figures in counted if last >= _last(there.get(number))]
    deleted_ids = [number for number, _, _ in new if number in there]
    if deleted_ids:
        session.execute(sa.delete(ticket_facts).where(_in_ids(session, ticket_facts.c.ticket_id, deleted_ids)))
    rows = [_row(figures, last) for _, last, figures in new if figures is not None]
    insert_rows(session, ticket_facts, rows)
    changed = [(there.get(number), figures) for number, _, figures in new if _differ(there.get(number), figures)]
    daily_rollup.mark_loose(session, {slot for pair in changed for slot in _slots(*pair)}, now)
    if floor is not None:
        key_values.put(session, STATE, {"floor": floor})
    return len(changed)


def _row(figures: Facts, last: int) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in _NAMES} | {"last_event_id": last}


_NAMES = tuple(field.name for field in fields(Facts))
_IN_NO_SUM = {"status", "closed_at", "organisation_id"}
_SUMMED = tuple(name for name in _NAMES if name not in _IN_NO_SUM)


def count_wrong(session: Session, counted: Counted, above: int, ids: Sequence[int]) -> int:
    """How many rows differ from the computed figures: of these tickets, and of none (see `delete_others`)."""
    there = _stored_rows(session, [number for number, _, _ in counted])
    pairs = [(there.get(number), figures) for number, _, figures in counted]
    others = sa.select(sa.func.count()).select_from(ticket_facts).where(*_others(above, ids))
    return sum(_differ(*pair) for pair in pairs) + int(session.execute(others).scalar_one())


def _differ(old: Any, new: Facts | None) -> bool:
    """Whether a daily sum would change."""
    if old is None or new is None:
        return old is not new
    return any(getattr(old, name) != getattr(new, name) for name in _SUMMED)


def _slots(*ones: Any) -> Iterator[int]:
    for row in ones:
        if row is not None:
            yield from (slot for slot in (row.opened_slot, row.resolved_slot) if slot is not None)


def next_ticket_ids(session: Session, above: int, most: int = PAGE) -> list[int]:
    """The next tickets, for a rebuild."""
    query = sa.select(ticket_table.c.id).where(ticket_table.c.id > above)
    return list(session.execute(query.order_by(ticket_table.c.id).limit(most)).scalars())


def delete_others(session: Session, above: int, ids: Sequence[int], now: datetime) -> int:
    """Deletes rows whose ticket no longer exists.

    Between `above` and the last of these tickets, or all above if none.
    """
    slots = (ticket_facts.c.opened_slot, ticket_facts.c.resolved_slot)
    deleted = session.execute(sa.delete(ticket_facts).where(*_others(above, ids)).returning(*slots)).all()
    daily_rollup.mark_loose(session, set(_slots(*deleted)), now)
    return len(deleted)


def _others(above: int, ids: Sequence[int]) -> list[sa.ColumnElement[bool]]:
    number = ticket_facts.c.ticket_id
    return [number > above, *([number <= ids[-1], number.not_in(ids)] if ids else [])]


def count_figures(session: Session, ids: Iterable[int]) -> Counted:
    """Computes the figures of these tickets from their events."""
    sorted_ids = sorted(ids)
    by_id = _tickets(session, sorted_ids)
    if not by_id:
        return []
    history, last = _histories(session, sorted_ids)
    by_team = _calendars(session)
    promised, scores = _targets_of(session, sorted_ids), _scores(session, sorted_ids)
    counted: Counted = []
    for ticket in by_id:
        number, calendar = ticket.id, by_team.get(ticket.team_id or 0, ALWAYS)
        figures = ticket_figures.facts(
            ticket, history.get(number, ()), calendar, promised=promised.get(number, ()), score=scores.get(number)
        )
        counted.append((number, last.get(number, 0), figures))
    return counted


def _tickets(session: Session, ids: Sequence[int]) -> list[Ticket]:
    """Only the columns that figures need, which is a fifth of the work."""
    t = ticket_table.c
    columns = (t.id, t.created_at, t.status, t.priority, t.category, t.team_id, t.assignee_id, t.organisation_id)
    rows: Any = session.execute(sa.select(*columns, t.channel).where(_in_ids(session, t.id, ids))).all()
    return [
        Ticket(
            number,
            "",
            0,
            at,
            at,
            status=_STATUSES[status],
            priority=_PRIORITIES[priority],
            category=category,
            team_id=team,
            assignee_id=owner,
            organisation_id=organisation,
            channel=channel,
        )
        for number, at, status, priority, category, team, owner, organisation, channel in rows
    ]


def _in_ids(session: Session, column: sa.ColumnElement[Any], ids: Sequence[int]) -> sa.ColumnElement[bool]:
    """IN, with all ids as one parameter: a thousand parameters cost the driver more than the database."""
    if session.postgres:
        array = sa.cast(sa.literal("{" + ",".join(map(str, ids)) + "}", sa.Text), sa.ARRAY(sa.BigInteger))
        return column.in_(sa.select(sa.func.unnest(array)))
    each = sa.func.json_each(json.dumps(list(ids))).table_valued("value")
    return column.in_(sa.select(each.c.value))


def _last_events(session: Session, ids: Sequence[int]) -> dict[int, int]:
    """Ticket → the last event that is in its figures."""
    c = ticket_facts.c
    rows: Any = session.execute(sa.select(c.ticket_id, c.last_event_id).where(_in_ids(session, c.ticket_id, ids)))
    return {number: last or 0 for number, last in rows.all()}


def _stored_rows(session: Session, ids: Iterable[int]) -> dict[int, Any]:
    query = sa.select(*(ticket_facts.c[name] for name in (*_SUMMED, "last_event_id")))
    rows = session.execute(query.where(_in_ids(session, ticket_facts.c.ticket_id, sorted(ids)))).all()
    return {row.ticket_id: row for row in rows}


def _last(row: Any) -> int:
    return row.last_event_id or 0 if row is not None else 0


def _histories(session: Session, ids: Sequence[int]) -> tuple[dict[int, list[Event]], dict[int, int]]:
    """Ticket → the events that make figures, oldest first; and → its newest event of any kind."""
    c = events.c
    # Only failed deliveries say something in their data that counts; the JSON of all others would cost for nothing.
    data = sa.case((c.kind.in_(_FAILED), c.data), else_=sa.null())
    columns = (c.id, c.ticket_id, c.at, c.kind, c.actor_kind, c.after, c.why, c.message_id, data)
    histories: dict[int, list[Event]] = {}
    last: dict[int, int] = {}
    rows: Any = session.execute(sa.select(*columns).where(_in_ids(session, c.ticket_id, ids))).all()
    # Sorted here: PostgreSQL would rather walk all events in order than sort these.
    for number, ticket_id, at, kind, actor, after, why, message_id, stored in sorted(rows, key=itemgetter(0)):
        last[ticket_id] = number
        if kind in HEARD:
            event = Event(ticket_id, at, EventKind(kind), _ACTORS[actor], after=after, why=why, message_id=message_id)
            event = replace(event, data=read_data(kind, stored)) if stored else event
            histories.setdefault(ticket_id, []).append(event)
    return histories, last


_ACTORS = {str(kind): Actor(kind) for kind in ActorKind}
_STATUSES = {str(one): one for one in Status}
_PRIORITIES = {str(one): one for one in Priority}


def _calendars(session: Session) -> dict[int, Calendar]:
    """Team → its calendar, for teams that have one."""
    rows = session.execute(sa.select(teams.c.id, teams.c.calendar_id).where(teams.c.calendar_id.is_not(None))).all()
    by_id = calendars.by_id(session) if rows else {}
    return {row.id: by_id[row.calendar_id][1] for row in rows if row.calendar_id in by_id}


def _targets_of(session: Session, ids: Sequence[int]) -> dict[int, set[str]]:
    """Ticket → the targets for which it has a timer."""
    by_ticket: dict[int, set[str]] = {}
    query = sa.select(clocks.c.ticket_id, clocks.c.kind)
    query = query.where(_in_ids(session, clocks.c.ticket_id, ids), clocks.c.kind.in_(ticket_figures.TARGETS))
    for row in session.execute(query):
        by_ticket.setdefault(row.ticket_id, set()).add(row.kind)
    return by_ticket


def _scores(session: Session, ids: Sequence[int]) -> dict[int, int]:
    """Ticket → its requester's last score."""
    r = ratings.c
    query = sa.select(r.ticket_id, r.score).where(_in_ids(session, r.ticket_id, ids), r.score.is_not(None))
    rows: Any = session.execute(query.order_by(r.rated_at, r.id))
    return {row.ticket_id: row.score for row in rows}
