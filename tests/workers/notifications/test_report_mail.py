"""Reports by mail: once at their time to each recipient, in the desk's zone, without what is private."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from desk.reports import period
from desk.reports.period import BadPeriod, Period
from storage.mail import outbound
from storage.open_store import Store
from storage.reports import schedules as report_schedules
from storage.reports.schedules import Schedule
from storage.runtime import failures
from storage.tables.desk import report_schedules as table
from storage.tables.tickets import teams
from tests.small_desk import CAROL, SmallDesk
from workers.outbound import deliver
from workers.timers import report_rollup

LEAD = "lead@corp.example.test"


@pytest.fixture
def desk(any_store: Store) -> SmallDesk:
    """A week with two tickets, and a report of it to a lead."""
    made = SmallDesk(any_store)
    made.receive(made.mail(CAROL, "Printer", "It burns."))
    made.receive(made.mail(CAROL, "Invoice", "It is wrong.", to="billing@desk.example.test"))
    with any_store.database.transaction() as session:
        due = datetime(2026, 11, 9, 7, 0, tzinfo=UTC)
        report_schedules.save(session, Schedule("Weekly", (LEAD, "boss@corp.example.test"), "week", due))
    return made


def _reports(desk: SmallDesk) -> list[dict[str, object]]:
    with desk.store.database.reading() as session:
        return [row for row in outbound.list_captured(session) if row["kind"] == "report"]


def test_a_report_leaves_once_at_its_time(desk: SmallDesk) -> None:
    desk.now = datetime(2026, 11, 9, 6, 59, tzinfo=UTC)
    report_rollup.drain(desk.context)
    deliver.drain(desk.context)
    assert _reports(desk) == []
    desk.now = datetime(2026, 11, 9, 7, 1, tzinfo=UTC)
    for _ in range(2):
        report_rollup.drain(desk.context)
        deliver.drain(desk.context)
    assert sorted(str(row["recipient"]) for row in _reports(desk)) == ["boss@corp.example.test", LEAD]
    content = _reports(desk)[0]["content"]
    assert isinstance(content, dict)
    assert content["subject"] == "Weekly: 2026-11-02 to 2026-11-08"
    assert "Opened: 2 (before: 0)" in content["text"]
    with desk.store.database.reading() as session:
        (row,) = report_schedules.list_all(session)
    assert row.next_at == datetime(2026, 11, 16, 7, 0, tzinfo=UTC)


def test_a_report_that_cannot_be_made_keeps_no_other_back(desk: SmallDesk) -> None:
    due = datetime(2026, 11, 9, 6, 0, tzinfo=UTC)
    with desk.store.database.transaction() as session:
        report_schedules.save(session, Schedule("A bad one", (LEAD,), "week", due))
        session.execute(sa.update(table).where(table.c.name == "A bad one").values(every="never"))
    desk.now = datetime(2026, 11, 9, 7, 1, tzinfo=UTC)
    report_rollup.drain(desk.context)
    deliver.drain(desk.context)
    assert len(_reports(desk)) == 2
    with desk.store.database.reading() as session:
        (failure,) = failures.list_failures(session)
    assert failure.job == "reports"


def test_what_is_private_is_in_no_letter(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        session.execute(sa.update(teams).where(teams.c.name == "Billing").values(private=True))
    desk.now = datetime(2026, 11, 9, 7, 1, tzinfo=UTC)
    with desk.store.database.reading() as session:
        (row,) = report_schedules.list_all(session)
    text = report_rollup.send(desk.store, row, desk.now, dry_run=True)[0].content.to_json()["text"]
    assert "Opened: 1 " in text
    assert "Billing" not in text
    assert _reports(desk) == []


def test_periods_are_whole_days_of_the_desks_zone() -> None:
    now = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    week = period.of_word("week", "Europe/Berlin", now)
    # It is Monday in Berlin already, and the last whole week ended an hour ago.
    assert (week.first, week.last) == (date(2026, 2, 23), date(2026, 3, 1))
    assert week.start == datetime(2026, 2, 22, 23, tzinfo=UTC)
    assert week.before == Period(date(2026, 2, 16), date(2026, 2, 22), "Europe/Berlin")
    assert period.of_word("2026-02", "UTC", now).length == 28
    assert period.of_word("month", "UTC", now).first == date(2026, 2, 1)
    assert period.next_start("month", "UTC", now) == datetime(2026, 4, 1, 7, tzinfo=UTC)
    assert period.next_start("week", "UTC", now) == datetime(2026, 3, 2, 7, tzinfo=UTC)


@pytest.mark.parametrize("word", ["0d", "soon", "2026-13", "99999d", "-3d"])
def test_a_word_that_is_no_period_is_refused(word: str) -> None:
    with pytest.raises(BadPeriod):
        period.of_word(word, "UTC", datetime(2026, 3, 1, tzinfo=UTC))
