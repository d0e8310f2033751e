"""A report says what somebody finds who goes through all tickets by hand, on both databases, in the desk's own zone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from desk.reports.period import Period
from desk.reports.report import Report, Spread
from desk.reports.ticket_figures import Facts
from storage.access import visibility
from storage.open_store import Store
from storage.reports import report as report_rows
from storage.reports.groups import spread
from storage.reports.report import ReportQuery
from storage.tables.tickets import teams
from tests.storage.random_desk import RandomDesk
from tests.storage.rows import facts_by_ticket
from workers.timers import report_rollup

ZONE = "Asia/Kolkata"


def _told(store: Store, period: Period, asked: ReportQuery, now: datetime) -> tuple[Report, list[Facts]]:
    with store.database.reading() as session:
        return report_rows.report(session, period, asked, now), list(facts_by_ticket(session).values())


def _desk(store: Store, seed: int) -> tuple[RandomDesk, Period]:
    desk = RandomDesk(store, seed)
    for _ in range(8):
        desk.open(5)
        for _ in range(40):
            desk.step()
    report_rollup.catch_up(store, desk.now)
    middle = desk.now - (desk.now - datetime(2026, 3, 2, tzinfo=desk.now.tzinfo)) / 2
    return desk, Period(middle.date() - timedelta(days=20), middle.date() + timedelta(days=20), ZONE)


def _inside(moment: datetime | None, period: Period) -> bool:
    return moment is not None and period.first <= moment.astimezone(ZoneInfo(ZONE)).date() <= period.last


@pytest.mark.parametrize("seed", [11, 12])
def test_a_report_agrees_with_a_count_by_hand(any_store: Store, seed: int) -> None:
    desk, period = _desk(any_store, seed)
    told, rows = _told(any_store, period, ReportQuery(), desk.now)
    opened = [row for row in rows if _inside(row.opened_at, period)]
    resolved = [row for row in rows if _inside(row.resolved_at, period)]
    assert (told.now.opened.count, told.now.resolved.count) == (len(opened), len(resolved))
    assert len(opened) > 3 and len(resolved) > 3
    assert told.now.opened.times["first_response_seconds"] == spread(
        row.first_response_seconds for row in opened if row.first_response_seconds is not None
    )
    assert told.now.resolved.times["resolution_seconds"] == spread(
        row.resolution_seconds for row in resolved if row.resolution_seconds is not None
    )
    assert told.now.resolved.reopened == sum(row.reopened > 0 for row in resolved)
    assert told.now.resolved.one_touch == sum(row.one_touch for row in resolved)
    assert told.now.resolved.score_sum == sum(row.score or 0 for row in resolved)
    assert told.now.resolved.broken["resolution"] == sum(row.met_resolution is False for row in resolved)
    assert told.now.opened.kept["first_response"] == sum(row.met_first_response is True for row in opened)
    assert told.now.resolved.seconds_in["pending"] == sum(row.seconds_pending for row in resolved)
    assert dict(told.volume["channel"]) == Counter(row.channel for row in opened)
    assert sum(map(sum, told.hours)) == len(opened)
    earlier = [row for row in rows if _inside(row.opened_at, period.before)]
    assert told.before.opened.count == len(earlier)


@pytest.mark.parametrize("seed", [13])
def test_the_backlog_of_each_day_is_what_was_not_resolved_then(any_store: Store, seed: int) -> None:
    desk, period = _desk(any_store, seed)
    told, rows = _told(any_store, period, ReportQuery(), desk.now)
    for day in told.days:
        end = Period(day.day, day.day, ZONE).end
        there = [row for row in rows if row.opened_at < end and (row.resolved_at is None or row.resolved_at >= end)]
        assert day.backlog == len(there), day.day
    still = [row for row in rows if row.resolved_at is None]
    assert sum(count for _, count in told.ages) == sum(told.statuses.values()) == len(still)


def test_each_team_and_agent_has_a_line_of_its_own(any_store: Store) -> None:
    desk, period = _desk(any_store, 14)
    told, rows = _told(any_store, period, ReportQuery(), desk.now)
    opened = [row for row in rows if _inside(row.opened_at, period)]
    for name, lines in (("team_id", told.teams), ("agent_id", told.agents)):
        assert {line.id: line.opened.count for line in lines if line.opened.count} == Counter(
            getattr(row, name) for row in opened
        )
        assert sum(line.open for line in lines) == sum(told.statuses.values())
    busiest = next(line for line in told.teams if line.opened.count)
    own = [row.first_response_seconds for row in opened if row.team_id == busiest.id]
    assert busiest.opened.times["first_response_seconds"] == spread(one for one in own if one is not None)


def test_a_filter_leaves_only_what_was_asked_for(any_store: Store) -> None:
    desk, period = _desk(any_store, 15)
    wishes: list[tuple[ReportQuery, Callable[[Facts], bool]]] = [
        (ReportQuery(channel="email"), lambda row: row.channel == "email"),
        (ReportQuery(team=desk.teams[0]), lambda row: row.team_id == desk.teams[0]),
        (ReportQuery(agent=desk.agents[1]), lambda row: row.agent_id == desk.agents[1]),
        (
            ReportQuery(seen_by=(desk.teams[:1], desk.agents[0])),
            lambda row: row.team_id == desk.teams[0] or row.agent_id == desk.agents[0],
        ),
    ]
    for asked, keep in wishes:
        told, rows = _told(any_store, period, asked, desk.now)
        wanted = [row for row in rows if keep(row)]
        assert told.now.opened.count == sum(_inside(row.opened_at, period) for row in wanted)
        assert sum(told.statuses.values()) == sum(row.resolved_at is None for row in wanted)


def test_the_hour_is_that_of_the_desk(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = RandomDesk(store, 16)
    desk.now = datetime(2026, 3, 2, 18, 40, tzinfo=desk.now.tzinfo)
    monkeypatch.setattr(desk.dice, "randrange", lambda *_: 1)
    desk.open(1)
    report_rollup.catch_up(store, desk.now)
    told, _ = _told(store, Period(date(2026, 3, 3), date(2026, 3, 3), ZONE), ReportQuery(), desk.now)
    # Monday evening in London is Tuesday in Kolkata, where clocks differ by half an hour.
    assert told.hours[1][0] == 1
    assert [day.opened for day in told.days] == [1]


def test_a_private_team_is_in_no_sum_of_those_who_are_no_members(any_store: Store) -> None:
    desk, period = _desk(any_store, 17)
    with any_store.database.transaction() as session:
        session.execute(sa.update(teams).where(teams.c.id == desk.teams[0]).values(private=True))
        stranger = visibility.viewer_of(session, desk.agents[0], "", "agent", desk.now)
        with visibility.reading_as(session, stranger):
            told = report_rows.report(session, period, ReportQuery(), desk.now)
        rows = [row for row in facts_by_ticket(session).values() if row.team_id != desk.teams[0]]
    assert told.now.opened.count == sum(_inside(row.opened_at, period) for row in rows)
    assert sum(told.statuses.values()) == sum(row.resolved_at is None for row in rows)
    assert desk.teams[0] not in {line.id for line in told.teams}


def test_median_and_p90_are_values_that_occurred() -> None:
    assert spread([]) == Spread()
    assert spread([5]) == Spread(1, 5, 5, 5)
    assert spread(range(1, 11)) == Spread(10, 5.5, 5, 9)
