"""The clocks of tickets agree with somebody who looks at the wall clock every minute; and each thing is told once.

`FRONTDESK_CLOCKS=10000` compares ten thousand random calendars, histories and pauses instead of some.
"""

from __future__ import annotations

import os
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from desk.priority.levels import Priority
from desk.sla import timers as sla_timers
from desk.sla.business_hours import DAY, Calendar, Slot, read
from desk.sla.policy import Policy, Target, read_escalations, read_targets
from desk.sla.timers import Clock, State, measure, nearest, reaches, runs, used
from desk.tickets.event_data import NonDelivery, Opening
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Actor, ActorKind, Event
from desk.tickets.transitions import NOT_REOPENED
from tests.desk.sla.minute_watcher import MINUTE, Seen, Watcher

CASES = int(os.environ.get("FRONTDESK_CLOCKS", "150"))
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana",
         "Pacific/Apia", "Africa/Casablanca", "America/St_Johns"]  # fmt: skip
# Around changes of clocks on both halves of the earth, leap days, a day that Samoa left out, ends of years.
STARTS = [
    datetime.fromisoformat(f"{day}:00+00:00")
    for day in ("2026-03-27T10", "2026-10-23T20", "2026-03-06T20", "2026-10-30T20", "2028-02-27T20", "2011-12-28T03",
                "2026-04-03T08", "2026-12-30T09", "2026-11-02T09")
]  # fmt: skip
WATCHED = 5 * DAY
AGENT, REQUESTER = Actor(ActorKind.AGENT, 1, "Alice"), Actor(ActorKind.REQUESTER, 2, "Bob")
OFFICE = read("Europe/Berlin", [{"days": "mon-fri", "from": "09:00", "to": "17:00"}])
MONDAY = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
"""Nine o'clock in Berlin."""


def event(at: datetime, kind: str, actor: Actor = AGENT, after: str = "", **more: Any) -> Event:
    return Event(1, at, kind, actor, after=after, **more)


def moved(at: datetime, status: str) -> Event:
    return event(at, "reopened" if status == "open" else "status_changed", after=status)


def random_calendar(dice: random.Random) -> Calendar:
    slots = []
    for _ in range(dice.randint(1, 9)):
        start = dice.randrange(DAY)
        slots.append(Slot(dice.randrange(7), start, min(start + dice.randint(20, DAY), 2 * DAY)))
    off = frozenset(s.date() + timedelta(days=dice.randrange(8)) for s in STARTS if dice.random() < 0.5)
    return Calendar(dice.choice(ZONES), tuple(sorted(slots, key=lambda s: (s.day, s.start, s.end))), off)


def random_history(dice: random.Random, start: datetime) -> list[Event]:
    """What may happen to a ticket: messages, notes, pauses, solutions, reopenings."""
    made, at, status = [event(start, "opened", REQUESTER, "new")], start, "new"
    after = {
        "new": ["open", "pending", "on_hold", "resolved"], "open": ["pending", "on_hold", "resolved"],
        "pending": ["open", "on_hold", "resolved"], "on_hold": ["open", "pending", "resolved"],
        "resolved": ["open", "closed"], "closed": ["open"],
    }  # fmt: skip
    for _ in range(dice.randrange(9)):
        at += dice.randrange(0, DAY) * MINUTE
        what = dice.choice(["replied", "requester_replied", "noted", "move", "move", "move"])
        if what == "move":
            status = dice.choice(after[status])
            made.append(moved(at, status))
        else:
            made.append(event(at, what, REQUESTER if what == "requester_replied" else AGENT))
    return made


def test_clocks_are_what_somebody_counts_who_looks_every_minute() -> None:
    for seed in range(CASES):
        dice = random.Random(seed)
        calendar, start = random_calendar(dice), dice.choice(STARTS)
        pausing = frozenset(target for target in Target if dice.random() < 0.6)
        targets = {target: dice.randint(1, 3000) for target in Target}
        history = [one for one in random_history(dice, start) if one.at < start + WATCHED * MINUTE]
        seen = Watcher(calendar, start, pausing, targets).watch(history, WATCHED)
        found, end = runs(history, pausing), start + WATCHED * MINUTE
        assert set(found) == set(seen), seed
        for target, run in found.items():
            assert used(run, calendar, end) == seen[target].minutes * 60, (seed, target)
            _same_moment(seed, seen[target], reaches(run, calendar, targets[target] * 60), run.ended, end)


def _same_moment(seed: int, seen: Seen, reached: datetime | None, ended: bool, end: datetime) -> None:
    if seen.reached is not None:
        assert reached == seen.reached, seed
    elif reached is not None and not ended:
        assert reached > end, seed


def policy(**more: Any) -> Policy:
    given = {"first_response": {"urgent": 30, "medium": "4h"}, "next_response": "2h", "resolution": "16h"}
    targets, pausing = read_targets(given)
    return Policy(**{"id": 1, "name": "Standard", "targets": targets, "pausing": pausing, "calendar": OFFICE} | more)


def one_by_one(
    history: list[Event], target: Target, moments: list[datetime], rule: Policy | None = None
) -> tuple[Clock | None, list[EventKind]]:
    """The clock read at each of these moments, as the sweep does; and all that was told."""
    rule, clock, told = rule or policy(), None, []
    for now in moments:
        run = runs([one for one in history if one.at <= now], rule.pausing)[target]
        clock, happened = measure(rule, target, Priority.MEDIUM, run, clock, now)
        told += [one.what for one in happened]
    return clock, told


def hours(*counts: float) -> list[datetime]:
    return [MONDAY + timedelta(hours=count) for count in counts]


def test_a_clock_warns_once_and_breaches_once() -> None:
    opened = [event(MONDAY, "opened", REQUESTER)]
    clock, told = one_by_one(opened, Target.FIRST_RESPONSE, hours(0, 3, 3.2, 3.3, 4, 4, 5))
    assert told == [EventKind.SLA_WARNED, EventKind.SLA_BREACHED]
    assert clock and clock.due_at == MONDAY + timedelta(hours=4)
    assert clock.next_at is None


def test_the_next_look_is_at_the_warning_then_at_the_due_time() -> None:
    opened = [event(MONDAY, "opened", REQUESTER)]
    first, _ = one_by_one(opened, Target.FIRST_RESPONSE, hours(0))
    warned, _ = one_by_one(opened, Target.FIRST_RESPONSE, hours(0, 3.5))
    assert first and first.next_at == MONDAY + timedelta(hours=3.2)
    assert warned and warned.next_at == warned.due_at


def test_a_breach_that_nobody_saw_in_time_is_told_without_a_late_warning() -> None:
    _, told = one_by_one([event(MONDAY, "opened", REQUESTER)], Target.FIRST_RESPONSE, hours(0, 30))
    assert told == [EventKind.SLA_BREACHED]


def test_an_answer_that_came_too_late_is_a_breach_even_if_the_clock_was_not_looked_at() -> None:
    history = [event(MONDAY, "opened", REQUESTER), event(MONDAY + timedelta(hours=5), "replied")]
    clock, told = one_by_one(history, Target.FIRST_RESPONSE, hours(0, 6))
    assert told == [EventKind.SLA_BREACHED]
    assert clock and clock.state is State.MET


def test_an_answer_in_the_last_second_is_in_time() -> None:
    history = [event(MONDAY, "opened", REQUESTER), event(MONDAY + timedelta(hours=4), "replied")]
    assert one_by_one(history, Target.FIRST_RESPONSE, hours(6))[1] == []


@pytest.mark.parametrize(
    "nothing",
    [
        event(MONDAY + timedelta(hours=1), "noted"),
        event(MONDAY + timedelta(hours=1), "replied", DESK),
        event(MONDAY + timedelta(hours=1), "automatic_kept", DESK),
    ],
)
def test_notes_and_automatic_mail_stop_no_clock(nothing: Event) -> None:
    clock, _ = one_by_one([event(MONDAY, "opened", REQUESTER), nothing], Target.FIRST_RESPONSE, hours(2))
    assert clock and clock.state is State.RUNNING


def test_a_ticket_that_a_machine_opened_has_no_clock_until_a_person_writes() -> None:
    opened = event(MONDAY, "opened", REQUESTER, data=Opening(automatic="list"))
    assert runs([opened], frozenset()) == {}
    written = event(MONDAY + timedelta(hours=2), "requester_replied", REQUESTER)
    assert runs([opened, written], frozenset())[Target.FIRST_RESPONSE].started_at == written.at


def test_thanks_start_no_clock_and_a_question_after_an_answer_does() -> None:
    history = [event(MONDAY, "opened", REQUESTER), event(MONDAY + MINUTE, "replied")]
    thanks = event(MONDAY + 2 * MINUTE, "requester_replied", REQUESTER, why=NOT_REOPENED)
    asked = event(MONDAY + 3 * MINUTE, "requester_replied", REQUESTER)
    again = event(MONDAY + 9 * MINUTE, "requester_replied", REQUESTER)
    assert Target.NEXT_RESPONSE not in runs([*history, thanks], frozenset())
    assert runs([*history, thanks, asked, again], frozenset())[Target.NEXT_RESPONSE].started_at == asked.at


def test_resolution_pauses_and_goes_on_with_the_rest_after_reopening() -> None:
    pending, back = MONDAY + timedelta(hours=2), MONDAY + timedelta(hours=4)
    history = [event(MONDAY, "opened", REQUESTER), moved(pending, "pending"), moved(back, "open")]
    history += [moved(back + timedelta(hours=1), "resolved"), moved(back + timedelta(hours=3), "open")]
    paused, _ = one_by_one(history, Target.RESOLUTION, [pending + MINUTE])
    assert paused and (paused.state, paused.due_at, paused.left_seconds) == (State.PAUSED, None, 14 * 3600)
    clock, _ = one_by_one(history, Target.RESOLUTION, [pending + MINUTE, back + timedelta(hours=3)])
    assert clock and (clock.state, clock.left_seconds) == (State.RUNNING, 13 * 3600)


def test_resolved_without_a_reply_nobody_waits_for_one() -> None:
    history = [event(MONDAY, "opened", REQUESTER), moved(MONDAY + timedelta(hours=1), "resolved")]
    clock, told = one_by_one(history, Target.FIRST_RESPONSE, hours(2, 9))
    assert clock and (clock.state, told) == (State.STOPPED, [])


def test_resolved_by_mistake_a_response_that_is_owed_goes_on_with_what_was_left() -> None:
    history = [event(MONDAY, "opened", REQUESTER), moved(MONDAY + timedelta(hours=1), "resolved")]
    history.append(event(MONDAY + timedelta(hours=2), "requester_replied", REQUESTER))
    history.append(moved(MONDAY + timedelta(hours=2), "open"))
    clock, told = one_by_one(history, Target.FIRST_RESPONSE, hours(1.5, 3))
    assert clock and (clock.state, clock.due_at, told) == (State.RUNNING, MONDAY + timedelta(hours=5), [])
    assert Target.NEXT_RESPONSE not in runs(history, frozenset())


def test_a_merge_solves_nothing_and_can_be_taken_back() -> None:
    at = MONDAY + timedelta(hours=1)
    history = [event(MONDAY, "opened", REQUESTER), moved(at, "closed"), event(at, "merged_into", after="7")]
    assert {run.state for run in runs(history, frozenset()).values()} == {State.STOPPED}
    back = Event(1, at + timedelta(hours=1), "status_changed", AGENT, before="closed", after="open")
    assert {run.state for run in runs([*history, back], frozenset()).values()} == {State.RUNNING}


def test_a_higher_priority_brings_the_due_time_forward_and_a_lower_one_takes_the_breach_back() -> None:
    rule, run = policy(), runs([event(MONDAY, "opened", REQUESTER)], frozenset())[Target.FIRST_RESPONSE]
    now = MONDAY + timedelta(hours=1)
    urgent, told = measure(rule, Target.FIRST_RESPONSE, Priority.URGENT, run, None, now)
    assert urgent and (urgent.due_at, [one.what for one in told]) == (
        MONDAY + timedelta(minutes=30),
        [EventKind.SLA_BREACHED],
    )
    medium, told = measure(rule, Target.FIRST_RESPONSE, Priority.MEDIUM, run, urgent, now)
    assert medium and (medium.breached_at, medium.warned_at, told) == (None, None, ())
    assert one_told_at(rule, medium, MONDAY + timedelta(hours=4)) == [EventKind.SLA_BREACHED]


def one_told_at(rule: Policy, before: Clock, now: datetime) -> list[EventKind]:
    run = runs([event(MONDAY, "opened", REQUESTER)], frozenset())[Target.FIRST_RESPONSE]
    return [one.what for one in measure(rule, Target.FIRST_RESPONSE, Priority.MEDIUM, run, before, now)[1]]


def test_escalations_come_in_order_of_time_each_once() -> None:
    given = [
        {"at": "breach+60min", "actions": [{"priority": "urgent"}]},
        {"at": 50, "actions": [{"notify": "assignee"}]},
        {"at": "100%", "actions": [{"notify": "lead"}]},
    ]
    rule = policy(escalations=read_escalations(given))
    opened = [event(MONDAY, "opened", REQUESTER)]
    clock, told = one_by_one(opened, Target.FIRST_RESPONSE, hours(0, 2, 2.5, 3.2, 4, 4.5, 5, 6), rule)
    assert told == [
        EventKind.SLA_ESCALATED,
        EventKind.SLA_WARNED,
        EventKind.SLA_BREACHED,
        EventKind.SLA_ESCALATED,
        EventKind.SLA_ESCALATED,
    ]
    assert clock and (clock.escalated, clock.next_at) == (3, None)
    assert sla_timers.steps(rule, 4 * 3600) == [1, 2, 0]


def test_the_next_due_time_of_a_ticket_is_that_of_its_running_clocks() -> None:
    opened = [event(MONDAY, "opened", REQUESTER)]
    first, _ = one_by_one(opened, Target.FIRST_RESPONSE, hours(0))
    resolution, _ = one_by_one(opened, Target.RESOLUTION, hours(0))
    assert first and resolution and nearest([resolution, first]) == first.due_at
    answered, _ = one_by_one([*opened, event(MONDAY, "replied")], Target.FIRST_RESPONSE, hours(1))
    assert answered and nearest([answered, resolution]) == resolution.due_at == datetime(2026, 11, 3, 16, tzinfo=UTC)


def test_a_calendar_that_never_opens_makes_nothing_due() -> None:
    rule = policy(calendar=Calendar("UTC", (Slot(0, 0, 60),), frozenset(date(2026, 11, 2) + timedelta(weeks=n)
                                                                       for n in range(600))))  # fmt: skip
    clock, told = one_by_one([event(MONDAY, "opened", REQUESTER)], Target.RESOLUTION, hours(0, 999), rule)
    assert clock and (clock.due_at, clock.next_at, told) == (None, None, [])


def test_however_often_somebody_looks_the_same_is_told_and_each_thing_once() -> None:
    steps = read_escalations([{"at": 60, "actions": [{"tag": "x"}]}, {"at": "breach+30min", "actions": [{"tag": "y"}]}])
    for seed in range(CASES):
        dice = random.Random(seed)
        rule = policy(calendar=random_calendar(dice), escalations=steps, warn_percent=0)
        start = dice.choice(STARTS)
        history = random_history(dice, start)
        end = max(one.at for one in history) + timedelta(days=9)
        often = sorted(start + dice.random() * (end - start) for _ in range(30))
        for target in runs(history, rule.pausing):
            known = [one.at for one in history if target in runs([e for e in history if e.at <= one.at], rule.pausing)]
            # Whoever hears of every event, and looks when a clock said that something is due.
            looks = sorted({*known, *_moments_due(history, target, known, rule), end})
            _, told = one_by_one(history, target, looks, rule)
            _, again = one_by_one(history, target, sorted({*looks, *(m for m in often if m >= known[0])}), rule)
            assert told == again, seed


def _moments_due(history: list[Event], target: Target, known: list[datetime], rule: Policy) -> set[datetime]:
    """Every moment at which a look was asked for."""
    found: set[datetime] = set()
    clock: Clock | None = None
    for at, until in zip(known, [*known[1:], max(known) + timedelta(days=9)], strict=True):
        now: datetime | None = at
        while now is not None and now <= until:
            run = runs([one for one in history if one.at <= now], rule.pausing)[target]
            clock, _ = measure(rule, target, Priority.MEDIUM, run, clock, now)
            found.add(now)
            now = clock.next_at if clock and clock.next_at and clock.next_at > now else None
    return found


@pytest.mark.parametrize("kind", ["undeliverable", "delivery_failed"])
def test_a_response_that_was_not_delivered_is_owed_again(kind: str) -> None:
    answered, known = MONDAY + timedelta(hours=1), MONDAY + timedelta(hours=3)
    told = [event(MONDAY, "opened", REQUESTER, "new"), event(answered, "replied", message_id=7)]
    assert runs(told, frozenset())[Target.FIRST_RESPONSE].state is State.MET
    failed = event(known, kind, DESK, data=NonDelivery(flagged=True, reply=7))
    run = runs([*told, failed], frozenset())[Target.FIRST_RESPONSE]
    assert run.state is State.RUNNING and run.since == known and run.spans == ((MONDAY, answered),)
    other = event(known, kind, DESK, data=NonDelivery(flagged=True, reply=6))
    assert runs([*told, other], frozenset())[Target.FIRST_RESPONSE].state is State.MET
