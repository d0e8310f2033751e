"""Clocks follow the history; what is due is told once, to whom it concerns, and escalated; a review disturbs nobody."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from desk.priority.levels import Priority
from desk.sla.policy import Target
from desk.sla.timers import Clock, State
from desk.tickets import properties, transitions
from desk.tickets.ticket import DESK, Actor, ActorKind
from storage.people import people
from storage.people.people import NewAgent
from storage.sla import calendars
from storage.sla import policies as sla_policies
from storage.sla import timers as sla_timers
from storage.sla.calendars import CalendarRow
from storage.sla.policies import PolicyRow
from storage.tables.desk import clocks as table
from storage.tickets import tickets
from tests.small_desk import ALICE, BOB, MAX, SmallDesk
from usecases.sla import measure as sla_measure
from usecases.sla import recalculate as sla_review
from usecases.tickets import conversation, merging
from usecases.tickets.conversation import Written
from usecases.tickets.merging import MergeRequest
from workers.events import dispatch
from workers.scheduler import Scheduler as TheClock
from workers.timers import sla as worker

OFFICE = CalendarRow("Office", "Europe/Berlin", [{"days": "mon-fri", "from": "09:00", "to": "17:00"}])
TARGETS: dict[str, Any] = {"first_response": {"high": "1h", "medium": "4h"}, "next_response": "2h", "resolution": "16h"}


def promise(desk: SmallDesk, **more: Any) -> PolicyRow:
    """A policy by office hours, for all tickets unless said otherwise."""
    with desk.store.database.transaction() as session:
        calendar = calendars.save(session, OFFICE)
        row = PolicyRow(**{"name": "Standard", "targets": TARGETS, "calendar_id": calendar.id} | more)
        return sla_policies.save(session, row)


def work(desk: SmallDesk) -> None:
    desk.work()
    worker.drain(desk.context)
    desk.work()


def ask(desk: SmallDesk, subject: str = "Help") -> int:
    """A new ticket."""
    desk.receive(desk.mail(BOB, subject, "Nothing works here, please help me."))
    work(desk)
    return desk.tickets()[-1].id


def of(desk: SmallDesk, number: int) -> Mapping[Target, Clock]:
    with desk.store.database.reading() as session:
        return sla_timers.clocks_of_tickets(session, [number])[number]


def do(desk: SmallDesk, number: int, verb: Any, *given: Any) -> None:
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, number, lock=True)
        assert ticket
        tickets.save(session, verb(ticket, *given, Actor(ActorKind.AGENT, desk.alice.id, "Alice"), desk.now))
    work(desk)


def reply(desk: SmallDesk, number: int) -> None:
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, number, lock=True)
        assert ticket
        conversation.reply(
            session, ticket, Written(Actor(ActorKind.AGENT, desk.alice.id, "Alice"), "Try.", desk.now, via="test")
        )
    work(desk)


def told(desk: SmallDesk, number: int) -> list[str]:
    return [kind for kind in desk.kinds(number) if kind.startswith("sla_")]


def test_a_new_ticket_gets_its_clocks_and_a_due_time(any_desk: SmallDesk) -> None:
    promise(any_desk)
    number = ask(any_desk)
    found = of(any_desk, number)
    assert set(found) == {Target.FIRST_RESPONSE, Target.RESOLUTION}
    assert any_desk.ticket(number).due_at == found[Target.FIRST_RESPONSE].due_at == any_desk.now + timedelta(hours=4)
    assert found[Target.RESOLUTION].due_at == datetime(2026, 11, 4, 9, tzinfo=UTC)


def test_an_answer_meets_the_first_response_and_the_next_due_time_is_that_of_the_resolution(
    any_desk: SmallDesk,
) -> None:
    promise(any_desk)
    number = ask(any_desk)
    any_desk.later(hours=1)
    reply(any_desk, number)
    found = of(any_desk, number)
    assert found[Target.FIRST_RESPONSE].state is State.MET
    # Waiting for the requester, nothing is due.
    assert (found[Target.RESOLUTION].state, any_desk.ticket(number).due_at) == (State.PAUSED, None)
    any_desk.later(hours=1)
    any_desk.receive(
        any_desk.mail(BOB, f"Re: Help [#{number}]", "It still does not work.", reply_to="m1@mail.example.test")
    )
    work(any_desk)
    found = of(any_desk, number)
    assert found[Target.NEXT_RESPONSE].due_at == any_desk.ticket(number).due_at == any_desk.now + timedelta(hours=2)
    assert found[Target.RESOLUTION].state is State.RUNNING


def test_warning_and_breach_are_events_and_letters_each_once(any_desk: SmallDesk) -> None:
    promise(any_desk)
    number = ask(any_desk)
    with any_desk.store.database.transaction() as session:
        team = any_desk.ticket(number).team_id
        people.add_agent(session, NewAgent("lea@corp.example.test", "Lea Lead", "lead", "", [team or 0]), any_desk.now)
    do(any_desk, number, lambda t, a, at: transitions.assign(t, any_desk.alice.id, "Alice", a, at))
    before = len(any_desk.letters("notice"))
    any_desk.later(hours=3, minutes=12)
    for _ in range(3):
        work(any_desk)
    assert told(any_desk, number) == ["sla_warned"]
    any_desk.later(hours=1)
    for _ in range(3):
        work(any_desk)
    assert told(any_desk, number) == ["sla_warned", "sla_breached"]
    letters = any_desk.letters("notice")[before:]
    assert [row["recipient"] for row in letters] == [ALICE, ALICE, "lea@corp.example.test"]
    breach = any_desk.events(number)[-1]
    assert breach.why == 'policy "Standard": 4 h for the first response were over on Mon 2026-11-02 14:00 Europe/Berlin'
    assert (breach.data.target, breach.data.policy) == ("first_response", "Standard")


def test_a_breach_that_nobody_of_the_team_would_hear_of_reaches_leads_and_admins(any_desk: SmallDesk) -> None:
    promise(any_desk)
    number = ask(any_desk)
    with any_desk.store.database.transaction() as session:
        people.set_active(session, any_desk.alice.id, False)
        people.add_agent(session, NewAgent(MAX, "", "admin"), any_desk.now)
    any_desk.later(hours=5)
    work(any_desk)
    assert any_desk.letters("notice", MAX)[-1]["ticket_id"] == number


def test_steps_of_escalation_change_the_ticket_with_the_policy_as_reason(any_desk: SmallDesk) -> None:
    steps = [{"at": 100, "actions": [{"priority": "urgent"}, {"team": "Billing"}, {"assign": "nobody@nowhere.test"}]}]
    promise(any_desk, escalations=steps)
    number = ask(any_desk)
    any_desk.later(hours=4)
    work(any_desk)
    ticket = any_desk.ticket(number)
    assert ticket.priority is Priority.URGENT
    assert told(any_desk, number) == ["sla_breached", "sla_escalated"]
    raised = next(event for event in any_desk.events(number) if event.kind == "priority_changed")
    assert 'policy "Standard"' in raised.why and raised.actor == DESK
    step = next(event for event in any_desk.events(number) if event.kind == "sla_escalated")
    assert "not done: assign" in step.after


def test_a_changed_priority_moves_the_due_time_and_no_agent_writes_an_old_one_back(any_desk: SmallDesk) -> None:
    promise(any_desk)
    number = ask(any_desk)
    stale = any_desk.ticket(number)
    do(any_desk, number, lambda t, a, at: transitions.set_priority(t, Priority.HIGH, a, at))
    assert any_desk.ticket(number).due_at == any_desk.now + timedelta(hours=1)
    with any_desk.store.database.transaction() as session:
        older = replace(stale, version=any_desk.ticket(number).version)
        tickets.save(session, transitions.tag(older, ("vip",), DESK, any_desk.now))
    assert any_desk.ticket(number).due_at == any_desk.now + timedelta(hours=1)


def test_the_first_policy_that_fits_is_taken(any_desk: SmallDesk) -> None:
    promise(any_desk, name="Billing", position=1, conditions=[{"field": "team", "is": "Billing"}],
            targets={"first_response": 30})  # fmt: skip
    promise(any_desk, position=2)
    number = ask(any_desk)
    with any_desk.store.database.reading() as session:
        billing = people.team_named(session, "Billing")
    assert billing
    do(any_desk, number, lambda t, a, at: transitions.to_team(t, billing.id, "Billing", a, at))
    assert any_desk.ticket(number).due_at == any_desk.now + timedelta(minutes=30)
    assert set(of(any_desk, number)) == {Target.FIRST_RESPONSE}


def test_without_policies_there_are_no_clocks(any_desk: SmallDesk) -> None:
    number = ask(any_desk)
    with any_desk.store.database.reading() as session:
        assert session.execute(sa.select(sa.func.count()).select_from(table)).scalar() == 0
    assert any_desk.ticket(number).due_at is None


def test_a_new_policy_reaches_open_tickets_without_letters_and_tells_beforehand_which(any_desk: SmallDesk) -> None:
    numbers = [ask(any_desk, f"Help {n}") for n in range(3)]
    do(any_desk, numbers[0], lambda t, a, at: transitions.resolve(t, a, at))
    any_desk.later(hours=6)
    promise(any_desk)
    letters = len(any_desk.letters())
    with any_desk.store.database.reading() as session:
        seen = sla_review.preview(session, sla_policies.active_policies(session), any_desk.now)
    assert (seen.looked, seen.total, [one.id for one in seen.moved], seen.late) == (2, 2, numbers[:0:-1], 2)
    assert any_desk.ticket(numbers[1]).due_at is None
    with any_desk.store.database.transaction() as session:
        sla_review.request_recalculation(session, any_desk.now, "policy Standard is new")
    work(any_desk)
    for moved in seen.moved:
        assert any_desk.ticket(moved.id).due_at == moved.after
    assert any_desk.ticket(numbers[0]).due_at is None
    assert told(any_desk, numbers[1]) == ["sla_breached"]
    assert len(any_desk.letters()) == letters
    with any_desk.store.database.reading() as session:
        progress = sla_review.progress(session)
    assert progress and progress["finished_at"] and (progress["done"], progress["waiting"]) == (2, 0)


def test_a_policy_that_is_switched_off_takes_its_clocks_along(any_desk: SmallDesk) -> None:
    row = promise(any_desk)
    number = ask(any_desk)
    with any_desk.store.database.transaction() as session:
        sla_policies.save(session, replace(row, active=False))
    work(any_desk)
    assert (of(any_desk, number), any_desk.ticket(number).due_at) == ({}, None)


def test_whoever_changes_a_calendar_open_tickets_follow_and_the_same_again_is_no_change(any_desk: SmallDesk) -> None:
    promise(any_desk)
    number = ask(any_desk)
    before = any_desk.ticket(number).due_at
    assert before
    with any_desk.store.database.transaction() as session:
        calendars.save(session, replace(OFFICE, slots=[{"days": "mon-fri", "from": "09:00", "to": "12:00"}]))
        assert sla_review.is_requested(session)
    work(any_desk)
    # Ten to twelve, and then from nine to eleven on the next day.
    assert any_desk.ticket(number).due_at == before + timedelta(hours=21)
    with any_desk.store.database.transaction() as session:
        calendars.save(session, replace(OFFICE, slots=[{"days": "mon-fri", "from": "09:00", "to": "12:00"}]))
        assert not sla_review.is_requested(session)


def test_several_that_look_at_once_tell_it_once_and_do_not_wait_for_each_other(any_desk: SmallDesk) -> None:
    promise(any_desk, targets={"first_response": "4h", "resolution": "4h"})
    any_desk.receive(*(any_desk.mail(BOB, f"Help {n}", f"Number {n} does not work.") for n in range(30)))
    work(any_desk)
    numbers = [ticket.id for ticket in any_desk.tickets()]
    any_desk.later(hours=5)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: worker.drain(any_desk.context), range(12)))
    worker.drain(any_desk.context)
    assert [told(any_desk, number) for number in numbers] == [["sla_breached"] * 2] * 30


def test_looking_again_changes_nothing(any_desk: SmallDesk) -> None:
    promise(any_desk)
    number = ask(any_desk)
    before = (of(any_desk, number), any_desk.kinds(number), any_desk.ticket(number))
    with any_desk.store.database.transaction() as session:
        sla_timers.request_measuring(session, [number], any_desk.now)
    assert worker.drain(any_desk.context) == 1
    assert (of(any_desk, number), any_desk.kinds(number), any_desk.ticket(number)) == before


def test_the_scheduler_enqueues_when_something_is_due_and_only_then(any_desk: SmallDesk) -> None:
    promise(any_desk)
    ask(any_desk)
    enqueued: list[tuple[str, int]] = []

    class Queue:
        def enqueue(self, jobs: Any) -> None:
            enqueued.extend(jobs)

    any_desk.store.database.queue = Queue()
    clock = TheClock(any_desk.context)
    assert clock.sweep() and ("sla", 0) not in enqueued
    any_desk.later(hours=3, minutes=12)
    assert clock.sweep() and ("sla", 0) in enqueued


def test_a_ticket_that_cannot_be_measured_is_in_nobodys_way(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise(any_desk)
    bad, good = ask(any_desk, "bad"), ask(any_desk, "good")
    honest = sla_measure.measure

    def measure(session: Any, found: Any, *more: Any) -> Any:
        if any(ticket.id == bad for ticket in found):
            raise ZeroDivisionError
        return honest(session, found, *more)

    monkeypatch.setattr(sla_measure, "measure", measure)
    any_desk.later(hours=5)
    worker.drain(any_desk.context)
    assert (told(any_desk, bad), told(any_desk, good)) == ([], ["sla_breached"])
    monkeypatch.setattr(sla_measure, "measure", honest)
    any_desk.later(hours=1)
    work(any_desk)
    assert told(any_desk, bad) == ["sla_breached"]


def test_a_merged_ticket_has_no_due_time(any_desk: SmallDesk) -> None:
    promise(any_desk)
    one, two = ask(any_desk, "one"), ask(any_desk, "two")
    with any_desk.store.database.transaction() as session:
        merging.merge(session, MergeRequest(two, one, DESK, any_desk.now))
    work(any_desk)
    assert any_desk.ticket(two).due_at is None
    assert any_desk.ticket(one).due_at is not None
    any_desk.later(days=9)
    work(any_desk)
    assert told(any_desk, two) == []


def test_a_field_that_fits_another_policy_is_enough(any_desk: SmallDesk) -> None:
    promise(any_desk, conditions=[{"field": "field.plan", "is": "gold"}])
    number = ask(any_desk)
    assert any_desk.ticket(number).due_at is None
    do(any_desk, number, lambda t, a, at: properties.set_field(t, "plan", "gold", a, at))
    assert any_desk.ticket(number).due_at is not None
    dispatch.drain(any_desk.context)


def test_the_sweep_asks_an_index_of_what_is_due(any_desk: SmallDesk) -> None:
    promise(any_desk)
    ask(any_desk)
    query = sa.select(table.c.ticket_id).where(table.c.next_at <= any_desk.now).order_by(table.c.next_at).limit(200)
    with any_desk.store.database.reading() as session:
        if session.postgres:
            # A few rows are read faster without any index.
            for way in ("seqscan", "bitmapscan"):
                session.execute(sa.text(f"SET LOCAL enable_{way} = off"))
        told = "EXPLAIN" if session.postgres else "EXPLAIN QUERY PLAN"
        text = str(query.compile(session.connection, compile_kwargs={"literal_binds": True}))
        plan = "\n".join(" ".join(map(str, row)) for row in session.connection.exec_driver_sql(f"{told} {text}"))
    assert "ix_clocks_next" in plan
    assert "SORT" not in plan.upper() and "TEMP B-TREE" not in plan
