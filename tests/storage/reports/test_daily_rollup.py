"""Sums by day say what the tickets say, whatever happened in which order, and long reports are made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from desk.reports import quantile_sketch
from desk.reports.period import Period
from desk.reports.report import Report
from storage.access import visibility
from storage.open_store import Store
from storage.reports import daily_plan, daily_rollup, ticket_rollup
from storage.reports import report as report_rows
from storage.reports.daily_rollup import OPENED, SIDES
from storage.reports.report import ReportQuery
from storage.tables.desk import calendars
from storage.tables.reports import day_figures as days_table
from storage.tables.reports import loose_days
from storage.tables.reports import ticket_facts as facts_table
from storage.tables.tickets import teams
from tests.storage.random_desk import START, RandomDesk
from tests.storage.rows import facts_by_ticket
from workers.timers import report_rollup

pytestmark = pytest.mark.slow

ZONES = ("Asia/Kolkata", "Europe/Berlin", "Pacific/Chatham")


def _lived(store: Store, seed: int, zone: str, steps: int = 300) -> tuple[Store, RandomDesk]:
    """A desk whose figures were kept up now and then, and whose days were summed up when they were due."""
    store = replace(store, settings=replace(store.settings, time_zone=zone))
    desk = RandomDesk(store, seed)
    desk.open(10)
    for step in range(steps):
        desk.step()
        if step % 9 == 0:
            report_rollup.catch_up(store, desk.now, timedelta(seconds=desk.dice.choice([0, 10, 40_000])))
        if step % 20 == 0:
            report_rollup.sum_up(store, desk.now + timedelta(days=desk.dice.choice([0, 0, 0, 0, 1, 30])))
        if step % 40 == 0:
            desk.open(3)
    report_rollup.catch_up(store, desk.now)
    return store, desk


def _all_days(desk: RandomDesk) -> Iterator[date]:
    return Period(START.date() - timedelta(days=1), desk.now.date() + timedelta(days=1)).days()


@pytest.mark.parametrize(("seed", "zone"), list(enumerate(ZONES, 21)))
def test_a_day_that_holds_says_what_its_tickets_say(any_store: Store, seed: int, zone: str) -> None:
    store, desk = _lived(any_store, seed, zone)
    report_rollup.sum_up(store, desk.now)
    with store.database.reading() as session:
        loose = set(session.execute(sa.select(loose_days.c.day)).scalars())
        wrong = [day for day in _all_days(desk) if day not in loose and daily_rollup.differs(session, day, zone)]
        held = daily_rollup.summed_days(session)
        count = sa.func.sum(days_table.c["count"])
        query = sa.select(count).where(days_table.c.view == "", days_table.c.side == OPENED)
        of_days = session.execute(query.where(days_table.c.day.not_in(loose))).scalar() or 0
        facts = facts_by_ticket(session).values()
    assert wrong == []
    assert len(held) > 5 and 0 < len(loose) <= daily_rollup.MOST_LOOSE
    opened = [daily_rollup.day_of(one.opened_slot, zone) for one in facts]
    assert of_days == sum(day not in loose for day in opened)


@pytest.mark.parametrize(("seed", "zone"), list(enumerate(ZONES, 31)))
def test_a_long_report_says_what_a_count_by_ticket_says(
    any_store: Store, seed: int, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, desk = _lived(any_store, seed, zone)
    if seed % 2:
        _office_hours(store, desk)
    report_rollup.sum_up(store, desk.now)
    middle = START.date() + (desk.now - START) / 2
    wishes = [
        ReportQuery(),
        ReportQuery(team=desk.teams[0]),
        ReportQuery(agent=desk.agents[1]),
        ReportQuery(channel="email"),
        ReportQuery(category="Shipping", team=desk.teams[1]),
        ReportQuery(priority="high", seen_by=(desk.teams[:1], desk.agents[0])),
        ReportQuery(priority="medium", channel="form"),
    ]
    for period in (Period(START.date(), desk.now.date(), zone), Period(middle, middle + timedelta(days=39), zone)):
        for asked in wishes:
            monkeypatch.setattr(daily_plan, "EXACT_TICKETS", 0)
            told = _report(store, period, asked, desk.now)
            monkeypatch.setattr(daily_plan, "EXACT_TICKETS", 10_000)
            _agree(told, _report(store, period, asked, desk.now))
            assert bool(told.error) is (asked.view() is not None)


def _office_hours(store: Store, desk: RandomDesk) -> None:
    with store.database.transaction() as session:
        slots = [{"days": "mon-fri", "from": "09:00", "to": "17:00"}]
        row = {"name": "office", "time_zone": "UTC", "slots": slots, "holidays": {}}
        number = session.execute(sa.insert(calendars).values(row).returning(calendars.c.id)).scalar_one()
        session.execute(sa.update(teams).where(teams.c.id == desk.teams[0]).values(calendar_id=number))
    report_rollup.rebuild(store, desk.now)


def _report(store: Store, period: Period, asked: ReportQuery, now: datetime) -> Report:
    with store.database.reading() as session:
        return report_rows.report(session, period, asked, now)


def _agree(told: Report, exact: Report) -> None:
    """All the same, but for medians and p90, which are near."""
    assert exact.error == 0
    _near(asdict(replace(told, error=0.0)), asdict(exact))


def _near(told: Any, exact: Any, name: str = "") -> None:
    if isinstance(exact, dict):
        assert told.keys() == exact.keys(), name
        for key in exact:
            _near(told[key], exact[key], str(key))
    elif name in ("median", "p90") and exact is not None:
        assert abs(told - exact) <= exact * quantile_sketch.ERROR
    elif isinstance(exact, list | tuple):
        assert len(told) == len(exact), name
        for one, other in zip(told, exact, strict=True):
            _near(one, other, name)
    else:
        assert told == pytest.approx(exact) if isinstance(exact, float) else told == exact, name


def test_a_private_team_is_in_no_long_report_of_those_who_are_no_members(
    any_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, desk = _lived(any_store, 41, "Europe/Berlin")
    period = Period(START.date(), desk.now.date(), "Europe/Berlin")
    with store.database.transaction() as session:
        session.execute(sa.update(teams).where(teams.c.id == desk.teams[0]).values(private=True))
        stranger = visibility.viewer_of(session, desk.agents[0], "", "agent", desk.now)
        with visibility.reading_as(session, stranger):
            monkeypatch.setattr(daily_plan, "EXACT_TICKETS", 0)
            told = report_rows.report(session, period, ReportQuery(), desk.now)
            monkeypatch.setattr(daily_plan, "EXACT_TICKETS", 10_000)
            _agree(told, report_rows.report(session, period, ReportQuery(), desk.now))
        rows = [row for row in facts_by_ticket(session).values() if row.team_id != desk.teams[0]]
    assert told.error and told.now.opened.count == len(rows)
    assert desk.teams[0] not in {line.id for line in told.teams}


def test_another_zone_makes_all_days_loose_and_sums_them_up_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daily_plan, "EXACT_TICKETS", 0)
    store, desk = _lived(store, 51, "Europe/Berlin")
    report_rollup.sum_up(store, desk.now)
    moved = replace(store, settings=replace(store.settings, time_zone="Asia/Kolkata"))
    period = Period(START.date(), desk.now.date(), "Asia/Kolkata")
    assert not _report(moved, period, ReportQuery(), desk.now).error
    assert report_rollup.sum_up(moved, desk.now) > 30
    assert _report(moved, period, ReportQuery(), desk.now).error
    with store.database.reading() as session:
        assert not any(daily_rollup.differs(session, day, "Asia/Kolkata") for day in _all_days(desk))


def test_a_rebuild_sums_up_what_was_spoilt_and_a_check_finds_it(any_store: Store) -> None:
    store, desk = _lived(any_store, 61, "Europe/Berlin", 120)
    report_rollup.rebuild(store, desk.now)
    whole = report_rollup.check(store)
    assert (whole.tickets, whole.tickets_wrong, whole.days_wrong) == (desk.count, 0, 0)
    with store.database.transaction() as session:
        some = sa.select(sa.func.min(days_table.c.day)).where(days_table.c.view == "").scalar_subquery()
        wrong = sa.update(days_table).where(days_table.c.day == some, days_table.c.side.in_(SIDES))
        session.execute(wrong.values(good=99))
        session.execute(sa.update(facts_table).where(facts_table.c.ticket_id == 2).values(replies=99))
    spoilt = report_rollup.check(store)
    assert (spoilt.tickets_wrong, spoilt.days_wrong) == (1, 1)
    rebuilt = report_rollup.rebuild(store, desk.now)
    assert (rebuilt.tickets, rebuilt.tickets_wrong) == (desk.count, 1)
    assert report_rollup.check(store) == whole


def test_what_changes_no_sum_leaves_its_days_alone(any_store: Store) -> None:
    store, desk = _lived(any_store, 71, "UTC", 60)
    report_rollup.rebuild(store, desk.now)
    with store.database.transaction() as session:
        counted = ticket_rollup.count_figures(session, [1])
        number, last, told = counted[0]
        assert told is not None
        ticket_rollup.save(session, [(number, last, replace(told, closed_at=desk.now))], desk.now)
        assert list(session.execute(sa.select(loose_days.c.day)).scalars()) == []
        ticket_rollup.save(session, [(number, last, replace(told, score=1))], desk.now)
        assert told.opened_at.astimezone(UTC).date() in list(session.execute(sa.select(loose_days.c.day)).scalars())


def test_the_days_that_changed_last_are_left_loose(tmp_path: Path, store: Store) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    with store.database.transaction() as session:
        daily_rollup.start_zone(session, "UTC")
        for shift in range(50):
            quarter = int((now - timedelta(days=shift)).timestamp()) // 900
            daily_rollup.mark_loose(session, [quarter], now - timedelta(minutes=2 * shift))
        assert daily_rollup.due_days(session, now - timedelta(hours=1), 100) == []
        assert daily_rollup.due_days(session, now, 100) == [date(2026, 4, 13) + timedelta(days=n) for n in range(5)]
        assert len(daily_rollup.due_days(session, now + daily_rollup.QUIET, 100)) == 50


def test_a_day_that_has_become_quiet_is_summed_up_with_nobody_writing(store: Store) -> None:
    store, desk = _lived(store, 81, "UTC", 30)
    report_rollup.rebuild(store, desk.now)
    desk.step()
    settled = desk.now + timedelta(minutes=3)
    report_rollup.catch_up(store, settled)
    for later, due in ((timedelta(), False), (daily_rollup.QUIET, True)):
        with store.database.reading() as session:
            assert report_rollup.is_time(session, settled + later) is due
    assert report_rollup.sum_up(store, settled + daily_rollup.QUIET) > 0
    with store.database.reading() as session:
        assert not report_rollup.is_time(session, settled + daily_rollup.QUIET)
