"""One poisoned row beside a hundred good ones, in the work that goes page by page: reassigning, reports, retention,
bulk changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

import pytest

from desk.reports import ticket_figures
from desk.routing.routing import Options, Strategy
from desk.tickets import properties, transitions
from desk.tickets.ticket import DESK
from storage.people import availability, people
from storage.reports import daily_rollup, ticket_rollup
from storage.runtime import failures
from storage.runtime.failures import PAUSES
from storage.tables.reports import loose_days
from storage.tickets import tickets
from tests.small_desk import SmallDesk
from tests.storage.rows import facts_by_ticket
from tests.workers.runtime.test_isolation import GOOD, alice, breaks, failed, opened, with_tickets
from usecases.privacy import retention
from usecases.privacy.retention import Rule
from usecases.rules import bulk, run_actions
from usecases.rules.bulk import BulkRequest
from usecases.rules.run_actions import ActionContext
from workers.timers import reassign, report_rollup
from workers.timers import retention as nightly

pytestmark = pytest.mark.slow


def put_off(desk: SmallDesk) -> list[tuple[str, int, int]]:
    return [(failure.job, failure.row_id, failure.attempts) for failure in failed(desk)]


def routes(desk: SmallDesk, escalate_minutes: int = 60) -> None:
    """From now on the desk gives Support's tickets to Alice."""
    with desk.store.database.transaction() as session:
        team = people.team_named(session, "Support")
        assert team
        availability.set_team(session, team.id, Strategy.ROUND_ROBIN, Options(escalate_minutes=escalate_minutes), None)
        availability.set_agent(session, desk.alice.id, capacity=GOOD + 1)


def is_among(bad: int) -> Callable[..., bool]:
    """Whether the tickets that routing asks about have the poisoned one."""

    def check(_session: object, _by: object, found: Iterable[Any]) -> bool:
        return bad in {ticket.id for ticket in found}

    return check


def test_a_ticket_that_cannot_leave_an_agent_who_left_keeps_no_other_with_them(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, at = opened(any_desk), any_desk.now
    with_tickets(
        any_desk,
        lambda session, ticket: tickets.save(
            session, transitions.assign(ticket, any_desk.alice.id, "Alice", DESK, at), react=False
        ),
    )
    with any_desk.store.database.transaction() as session:
        people.set_active(session, any_desk.alice.id, active=False)
    with monkeypatch.context() as patch:
        breaks(patch, reassign, "_asked", is_among(bad))
        reassign.drain(any_desk.context)
        assert [ticket.id for ticket in any_desk.tickets() if ticket.assignee_id] == [bad]
        assert put_off(any_desk) == [("reassign", bad, 1)]
        assert reassign.drain(any_desk.context) == 0, "it is put off"
    any_desk.now += PAUSES[0] + timedelta(seconds=1)
    assert reassign.drain(any_desk.context) == 1 and failed(any_desk) == []


def test_an_unowned_ticket_that_cannot_be_routed_keeps_no_other_without_an_owner(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = opened(any_desk)
    routes(any_desk)
    breaks(monkeypatch, reassign, "_asked", is_among(bad))
    reassign.drain(any_desk.context)
    assert [ticket.id for ticket in any_desk.tickets() if not ticket.assignee_id] == [bad]
    assert put_off(any_desk) == [("reassign", bad, 1)]


@pytest.mark.parametrize("when", ["somebody is there again", "its time is over"])
def test_a_flagged_ticket_that_cannot_be_routed_keeps_no_other_flagged(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    bad, at = opened(any_desk), any_desk.now
    routes(any_desk, escalate_minutes=20)
    with_tickets(
        any_desk,
        lambda session, ticket: tickets.save(
            session, properties.flag_unroutable(ticket, DESK, at, "nobody is there"), react=False
        ),
    )
    any_desk.later(minutes=30)
    if when == "its time is over":
        with any_desk.store.database.transaction() as session:
            availability.set_agent(session, any_desk.alice.id, available=False)
        breaks(monkeypatch, reassign, "_escalated", lambda ticket, _now: ticket.id == bad)
        reassign.drain(any_desk.context)
        done = [one.id for one in any_desk.tickets() if "unroutable_escalated" in any_desk.kinds(one.id)]
    else:
        breaks(monkeypatch, reassign, "_asked", is_among(bad))
        reassign.drain(any_desk.context)
        done = [one.id for one in any_desk.tickets() if one.assignee_id]
    assert len(done) == GOOD and bad not in done
    assert put_off(any_desk) == [("reassign", bad, 1)]


def test_a_ticket_that_cannot_be_counted_keeps_no_other_out_of_the_reports(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, store = opened(any_desk), any_desk.store
    with monkeypatch.context() as patch:
        breaks(patch, ticket_figures, "facts", lambda ticket, *_: ticket.id == bad)
        any_desk.later(minutes=5)
        report_rollup.catch_up(store, any_desk.now)
        with store.database.reading() as session:
            assert len(facts_by_ticket(session)) == GOOD and not ticket_rollup.is_behind(session)
        assert put_off(any_desk) == [("rollup", bad, 1)]
        for pause in PAUSES:
            any_desk.now += pause + timedelta(seconds=1)
            report_rollup.catch_up(store, any_desk.now)
        assert put_off(any_desk) == [("rollup", bad, 3)]
        any_desk.later(days=1)
        assert report_rollup.catch_up(store, any_desk.now) == 0, "it was given up, and people see it"
    with store.database.transaction() as session:
        assert failures.retry(session, [("rollup", bad)]) == 1
        assert report_rollup.is_time(session, any_desk.now)
    assert report_rollup.catch_up(store, any_desk.now) == 1 and failed(any_desk) == []
    with store.database.reading() as session:
        assert bad in facts_by_ticket(session)


def test_a_day_that_cannot_be_summed_up_keeps_no_other_day_loose(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, odd = any_desk.store, any_desk.now.date()
    with store.database.transaction() as session:
        daily_rollup.start_zone(session, store.settings.time_zone)
        for number in range(12):
            day = odd - timedelta(days=number)
            session.execute(loose_days.insert(), {"day": day, "changed_at": daily_rollup.LONG_AGO})
    with monkeypatch.context() as patch:
        breaks(patch, daily_rollup, "sum_up", lambda _session, day, _name: day == odd)
        assert report_rollup.sum_up(store, any_desk.now) == 11
        assert put_off(any_desk) == [(report_rollup.DAYS_JOB, odd.toordinal(), 1)]
        with store.database.reading() as session:
            assert daily_rollup.list_loose(session, date.min, date.max) == [odd]
            assert not report_rollup.is_time(session, any_desk.now), "it is put off"
    any_desk.now += PAUSES[0] + timedelta(seconds=1)
    assert report_rollup.sum_up(store, any_desk.now) == 1 and failed(any_desk) == []


@pytest.mark.parametrize("kept", ["words", "raw mail"])
def test_a_ticket_that_cannot_be_redacted_keeps_no_other_longer_than_the_rules_say(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    bad = opened(any_desk)
    with_tickets(
        any_desk,
        lambda session, ticket: tickets.save(
            session, transitions.close(ticket, alice(any_desk), any_desk.now), react=False
        ),
    )
    with any_desk.store.database.transaction() as session:
        retention.set_rules(session, [Rule(days=30) if kept == "words" else Rule(raw_days=30)])
    any_desk.later(days=31)
    bad_message = any_desk.messages(bad)[0].id
    if kept == "words":
        breaks(monkeypatch, retention.redact, "redact_tickets", lambda _session, ids, *_: bad in ids)
    else:
        breaks(monkeypatch, retention, "_drop_raw", lambda _session, ids, _redaction: bad_message in ids)
    nightly.drain(any_desk.context)
    if kept == "words":
        assert [ticket.id for ticket in any_desk.tickets() if ticket.subject != "(erased)"] == [bad]
        assert put_off(any_desk) == [("retention", bad, 1)]
    else:
        messages = [message for ticket in any_desk.tickets() for message in any_desk.messages(ticket.id)]
        assert [message.id for message in messages if message.raw] == [bad_message]
        assert put_off(any_desk) == [("retention_raw", bad_message, 1)]
    assert nightly.drain(any_desk.context) == 0, "it is put off"


def test_a_ticket_that_a_bulk_change_breaks_on_says_so_and_the_others_are_changed(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, database = opened(any_desk), any_desk.store.database
    wish = BulkRequest(bulk.actions_of([{"priority": "high"}]))
    doing = ActionContext(alice(any_desk), any_desk.now)
    seen = {ticket.id: ticket.version for ticket in any_desk.tickets()}
    breaks(monkeypatch, run_actions, "change_of", lambda _session, ticket, *_: ticket.id == bad)
    with database.reading() as session:
        planned = bulk.preview(session, seen, wish, doing)
    done = bulk.run_bulk(database.transaction, seen, wish, doing)
    for outcomes in (planned, done):
        refused = [outcome for outcome in outcomes if outcome.refused]
        assert [outcome.ticket for outcome in refused] == [bad] and refused[0].refused.startswith("it failed (Bug at ")
        assert sum(bool(outcome.events) for outcome in outcomes) == GOOD
    assert sum(str(ticket.priority) == "high" for ticket in any_desk.tickets()) == GOOD
