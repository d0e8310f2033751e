"""The counts of the incident detector: each opened ticket once, recent reports by category, and what is usual per
hour.

A floor (a ticket number) says up to where tickets were counted. Reports of the last hour are rows, those of past weeks
are sums by hour, so nothing here grows with the number of tickets. `desk/incidents/detector.py` decides what is
unusual.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from desk.incidents import detector as incident_detector
from desk.incidents.detector import Key, Traffic, Window
from storage.access import visibility
from storage.db.session import Session
from storage.db.statements import for_update, insert, insert_ignore, insert_rows
from storage.tables.learning import incident_reports as reports
from storage.tables.learning import incident_traffic as traffic
from storage.tables.tickets import agents, messages, people, predictions, settings, tickets

STATE = "incidents"
PAGE = 500
LONGEST_TEXT = 4000
SETTLED = timedelta(minutes=2)
"""Numbers are given before a ticket is committed; after so long none can still be missing below one that is there."""
KEPT = timedelta(hours=26)
_LATELY = timedelta(minutes=70)
_UNNAMED = sa.and_(tickets.c.category.is_(None), predictions.c.category.is_(None))
"""Only then somebody asks for what the guess might have been besides."""


@dataclass(frozen=True, slots=True)
class OpenedTicket:
    """A ticket that was opened, with what the detector needs of it."""

    ticket_id: int
    at: datetime
    requester_id: int
    address: str
    category: str | None
    guess: str | None
    probability: float
    runners_up: Sequence[Any] | None
    kind: str
    by_agent: bool
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class CountedTicket:
    """A ticket as it is counted; without a category it does not count."""

    ticket_id: int
    at: datetime
    requester_id: int
    category: str = ""
    organisation: str = ""


def lock_floor(session: Session) -> int:
    """Only one process counts until this transaction ends; returns the floor: tickets up to it were counted."""
    session.execute(insert_ignore(session, settings), {"key": STATE, "value": {"floor": 0}})
    query = sa.select(settings.c.value).where(settings.c.key == STATE)
    return int(session.execute(for_update(session, query)).scalar_one()["floor"])


def floor(session: Session) -> int:
    value = session.execute(sa.select(settings.c.value).where(settings.c.key == STATE)).scalar()
    return int(value["floor"]) if isinstance(value, Mapping) else 0


def load_new_tickets(session: Session, above: int, most: int = PAGE) -> list[OpenedTicket]:
    """Tickets above the floor that are not counted yet, in order.

    Tickets made by a split have no prediction and do not count.
    """
    query = (
        sa.select(
            tickets.c.id.label("ticket_id"),
            tickets.c.created_at.label("at"),
            tickets.c.requester_id,
            people.c.address,
            tickets.c.category,
            predictions.c.category.label("guess"),
            predictions.c.probability,
            sa.case((_UNNAMED, predictions.c.runners_up), else_=sa.null()).label("runners_up"),
            sa.func.coalesce(messages.c.kind, "").label("kind"),
            (sa.func.coalesce(agents.c.role, "") != "").label("by_agent"),
            messages.c.sent_at,
        )
        .join(predictions, predictions.c.ticket_id == tickets.c.id)
        .join(people, people.c.id == tickets.c.requester_id)
        .outerjoin(agents, agents.c.id == tickets.c.requester_id)
        .outerjoin(messages, messages.c.id == predictions.c.message_id)
        .outerjoin(reports, reports.c.ticket_id == tickets.c.id)
        .where(tickets.c.id > above, reports.c.ticket_id.is_(None), visibility.public_condition(tickets.c.team_id))
        .order_by(tickets.c.id)
        .limit(most)
    )
    rows: Any = session.execute(query)
    return [OpenedTicket(*row) for row in rows]


def without_counted(session: Session, above: int, ids: Sequence[int]) -> set[int]:
    """Those that no other process has counted in the meantime."""
    ids_above = {number for number in ids if number > above}
    counted = sa.select(reports.c.ticket_id).where(reports.c.ticket_id.between(min(ids), max(ids)))
    return ids_above.difference(session.execute(counted).scalars())


def count_tickets(session: Session, opened: Sequence[CountedTicket], now: datetime, hushed: Collection[str]) -> None:
    """Counts the tickets; reports in `hushed` categories (of open incidents) are no history, because they are not
    usual.
    """
    rows = [
        {name: getattr(ticket, name) for name in CountedTicket.__slots__}
        for ticket in opened
        if ticket.at > now - _LATELY
    ]
    insert_rows(session, reports, rows, ignore=True)
    sums: Counter[tuple[str, str, int]] = Counter()
    for ticket in opened:
        if ticket.category and ticket.category not in hushed:
            sums.update(_keys(ticket))
    counted = [
        {"category": category, "organisation": organisation, "hour": hour, "slot": _slot(hour), "messages": count}
        for (category, organisation, hour), count in sorted(sums.items())
    ]
    if counted:
        statement = insert(session, traffic)
        added = {"messages": traffic.c.messages + statement.excluded.messages}
        keys = ["category", "organisation", "hour"]
        session.execute(statement.on_conflict_do_update(index_elements=keys, set_=added), counted)


def move_floor(session: Session, opened: Sequence[OpenedTicket], before: int, now: datetime) -> None:
    """Raises the floor: counted tickets older than a moment need not be searched again."""
    settled = [ticket.ticket_id for ticket in opened if ticket.at < now - SETTLED]
    recent = (reports.c.at < now - SETTLED, reports.c.at > now - _LATELY)
    top = session.execute(sa.select(sa.func.max(reports.c.ticket_id)).where(*recent)).scalar()
    _set_floor(session, before, max([before, *settled, int(top or 0)]))


def load_windows(session: Session, now: datetime) -> dict[Key, tuple[Window, ...]]:
    """People and messages of the last minutes, for each category, and for organisations with enough people."""
    by_key = _windows(session, now, (reports.c.category,), 1)
    return by_key | _windows(
        session, now, (reports.c.category, reports.c.organisation), incident_detector.FEWEST_PEOPLE
    )


def load_history(session: Session, keys: Iterable[Key], now: datetime) -> dict[Key, tuple[Traffic, datetime]]:
    """The past weeks of the keys and of the whole desk (`Key("")`), and since when each is known."""
    all_keys = set(keys) | {Key("")}
    near = incident_detector.slots(now)
    days: Counter[int] = Counter()
    for slot, weight in near.items():
        days[slot % 24] += weight  # type: ignore[assignment]
    c = traffic.c
    query = sa.select(
        c.category,
        c.organisation,
        sa.func.sum(c.messages).label("total"),
        sa.func.sum(c.messages * _weights(c.slot, near)).label("slot"),
        sa.func.sum(c.messages * _weights(c.slot % 24, days)).label("day"),
        sa.func.min(c.hour).label("first"),
    ).where(
        c.category.in_(sorted({key.category for key in all_keys})),
        c.organisation.in_(sorted({key.organisation for key in all_keys})),
        c.hour >= _hour(now - incident_detector.HISTORY),
        c.hour < _hour(now),
    )
    rows = session.execute(query.group_by(c.category, c.organisation))
    return {
        Key(r.category, r.organisation): (
            Traffic(float(r.total), float(r.slot), float(r.day)),
            datetime.fromtimestamp(r.first * 3600, UTC),
        )
        for r in rows
    }


def history_start(session: Session, now: datetime) -> datetime | None:
    """When the desk's history begins; None if it has none."""
    past_total = (traffic.c.category == "", traffic.c.organisation == "", traffic.c.hour < _hour(now))
    first = session.execute(sa.select(sa.func.min(traffic.c.hour)).where(*past_total)).scalar()
    return None if first is None else datetime.fromtimestamp(first * 3600, UTC)


def recent_reports(session: Session, key: Key, since: datetime) -> list[CountedTicket]:
    """The reports of a key, oldest first."""
    where = [reports.c.at > since, reports.c.category == key.category]
    if key.organisation:
        where.append(reports.c.organisation == key.organisation)
    rows = session.execute(sa.select(reports).where(*where).order_by(reports.c.at, reports.c.ticket_id))
    return [CountedTicket(**row._mapping) for row in rows]


def mark_settled(session: Session, key: Key) -> None:
    """Marks the reports of a key, so that they do not count towards another alarm."""
    where = [reports.c.category == key.category]
    if key.organisation:
        where.append(reports.c.organisation == key.organisation)
    session.execute(sa.update(reports).where(*where).values(category=""))


def has_old_rows(session: Session, now: datetime) -> bool:
    """Whether there are rows to delete; asked often, so that little is deleted at a time."""
    oldest = session.execute(sa.select(sa.func.min(reports.c.at))).scalar()
    return oldest is not None and oldest < now - KEPT - timedelta(hours=1)


def delete_old(session: Session, now: datetime) -> None:
    """Deletes what is too old to count, and raises the floor, or it would be counted again."""
    before = lock_floor(session)
    old = reports.c.at < now - KEPT
    top = session.execute(sa.select(sa.func.max(reports.c.ticket_id)).where(old)).scalar() or 0
    _set_floor(session, before, int(top))
    session.execute(sa.delete(reports).where(old))
    session.execute(sa.delete(traffic).where(traffic.c.hour < _hour(now - incident_detector.HISTORY) - 24))


def _set_floor(session: Session, before: int, new: int) -> None:
    if new > before:
        session.execute(sa.update(settings).where(settings.c.key == STATE).values(value={"floor": new}))


def _windows(
    session: Session, now: datetime, columns: Sequence[sa.Column[Any]], fewest: int
) -> dict[Key, tuple[Window, ...]]:
    longest = max(incident_detector.WINDOWS)
    counted: list[sa.ColumnElement[Any]] = []
    for minutes in incident_detector.WINDOWS:
        inside = reports.c.at > now - timedelta(minutes=minutes)
        person = sa.case((inside, reports.c.requester_id))
        counted += [sa.func.count(sa.distinct(person)), sa.func.count(person)]
    where = [reports.c.at > now - timedelta(minutes=longest), *(column != "" for column in columns)]
    query = sa.select(*columns, *counted).where(*where).group_by(*columns)
    query = query.having(sa.func.count(sa.distinct(reports.c.requester_id)) >= fewest)
    by_key = {}
    for row in session.execute(query):
        numbers = row[len(columns) :]
        windows = (Window(m, numbers[2 * n], numbers[2 * n + 1]) for n, m in enumerate(incident_detector.WINDOWS))
        by_key[Key(*row[: len(columns)])] = tuple(windows)
    return by_key


def _keys(ticket: CountedTicket) -> list[tuple[str, str, int]]:
    """The sums in which a report counts: for organisations by the day, because they have too few reports an hour."""
    hour = _hour(ticket.at)
    keys = [("", "", hour), (ticket.category, "", hour)]
    if ticket.organisation:
        day = hour - hour % 24
        keys += [("", ticket.organisation, day), (ticket.category, ticket.organisation, day)]
    return keys


def _weights(value: sa.ColumnElement[int], weights: Mapping[int, float]) -> sa.ColumnElement[float]:
    return sa.case(*((value == place, weight) for place, weight in weights.items()), else_=0.0)


def _hour(at: datetime) -> int:
    return int(at.timestamp() // 3600)


def _slot(hour: int) -> int:
    """The hour of the week. The epoch began on a Thursday."""
    return (hour + 3 * 24) % incident_detector.SLOTS
