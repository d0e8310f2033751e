"""Automations: fired by events and by time, once each, never by themselves; tried before they are switched on."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from desk.rules import automations as rules_automations
from desk.rules.automations import BadAutomation
from storage.people import people
from storage.runtime import failures
from storage.tables.desk import automations as automations_table
from tests.small_desk import ALICE, BOB, CAROL, MAX, SmallDesk, words
from usecases.rules import automations
from usecases.rules.automations import StoredAutomation
from workers.timers import rules as runner

REFUND = {
    "name": "Refunds to Billing",
    "when": {"event": "opened"},
    "conditions": [{"field": "subject", "word": "refund"}],
    "actions": [{"team": "Billing"}, {"tag": "refund"}, {"priority": "high"}],
}


def _switch_on(desk: SmallDesk, given: dict[str, Any]) -> StoredAutomation:
    with desk.store.database.transaction() as session:
        automations.save(session, rules_automations.read(given), desk.now)
        kept = automations.get(session, given["name"])
        assert kept is not None
        automations.try_automation(session, kept, desk.now)
        tried = automations.get(session, given["name"])
        assert tried is not None
        automations.set_active(session, tried, on=True)
    desk.context._configuration = None
    return tried


def test_an_event_fires_a_rule_and_the_history_names_it(any_desk: SmallDesk) -> None:
    _switch_on(any_desk, REFUND)
    any_desk.receive(
        any_desk.mail(BOB, "Refund please", "I want my money."), any_desk.mail(BOB, "Hello", "A question.")
    )
    changed, other = any_desk.ticket(1), any_desk.ticket(2)
    assert (changed.tags, changed.priority) == (("refund",), "high")
    assert other.tags == ()
    assert {e.why for e in any_desk.events(1) if e.kind in ("team_changed", "tagged", "priority_changed")} == {
        "rule Refunds to Billing"
    }
    assert any_desk.kinds(1).count("automation_fired") == 1


def test_what_rules_do_fires_no_rule(any_desk: SmallDesk) -> None:
    for name, one, other in (("a", "ping", "pong"), ("b", "pong", "ping")):
        when = {"event": ["opened", "tagged", "untagged"]}
        _switch_on(any_desk, {"name": name, "when": when, "actions": [{"tag": one}, {"untag": other}]})
    any_desk.receive(any_desk.mail(BOB, "Hello", "A question."))
    assert any_desk.kinds(1).count("automation_fired") == 2


def test_silence_fires_once_and_again_only_after_somebody_spoke(any_desk: SmallDesk) -> None:
    silent = {"name": "Nudge", "when": {"silent_hours": 24, "status": ["new", "open"]}, "actions": [{"tag": "silent"}]}
    _switch_on(any_desk, silent)
    any_desk.receive(any_desk.mail(BOB, "Hello", "A question."))
    assert runner.drain(any_desk.context) == 0
    any_desk.later(hours=25)
    any_desk.context._configuration = None
    assert [runner.drain(any_desk.context) for _ in range(2)] == [1, 0]
    any_desk.later(hours=25)
    assert runner.drain(any_desk.context) == 0
    assert any_desk.ticket(1).tags == ("silent",)


def test_age_counts_from_the_opening_and_conditions_are_asked_again(any_desk: SmallDesk) -> None:
    given = {
        "name": "Old",
        "when": {"age_hours": 48},
        "conditions": [{"field": "priority", "is": "high"}],
        "actions": [{"note": "It is {age_hours} hours old"}],
    }
    _switch_on(any_desk, given)
    any_desk.receive(any_desk.mail(BOB, "Hello", "A question."))
    any_desk.later(hours=49)
    any_desk.context._configuration = None
    assert runner.drain(any_desk.context) == 0
    with any_desk.store.database.transaction() as session:
        from desk.priority.levels import Priority
        from desk.tickets import transitions
        from desk.tickets.ticket import DESK
        from storage.tickets import tickets

        found = tickets.get(session, 1, lock=True)
        assert found is not None
        tickets.save(session, transitions.set_priority(found, Priority.HIGH, DESK, any_desk.now))
    assert runner.drain(any_desk.context) == 1
    assert any_desk.messages(1)[-1].text == "It is 49.0 hours old"


def test_a_rule_can_ask_for_a_notice(any_desk: SmallDesk) -> None:
    given = {"name": "Tell Max", "when": {"event": "opened"}, "actions": [{"notify": ["Max Agent"]}]}
    _switch_on(any_desk, given)
    any_desk.receive(any_desk.mail(BOB, "Hello", "A question."))
    asked = [mail for mail in any_desk.sent("notice", "max@corp.example.test") if "rule Tell Max" in words(mail)]
    assert len(asked) == 1


def test_a_ticket_that_is_fired_upon_too_often_is_left_alone_and_says_so(any_desk: SmallDesk) -> None:
    for number in range(rules_automations.MOST_AN_HOUR + 5):
        given = {"name": f"r{number}", "when": {"event": "opened"}, "actions": [{"tag": f"t{number}"}]}
        _switch_on(any_desk, given)
    any_desk.receive(any_desk.mail(BOB, "Hello", "A question."))
    assert any_desk.kinds(1).count("automation_fired") == rules_automations.MOST_AN_HOUR
    assert any_desk.kinds(1).count("automations_capped") == 1


def test_a_rule_is_switched_on_only_after_a_trial_of_this_version(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        automations.save(session, rules_automations.read(REFUND), desk.now)
        kept = automations.get(session, REFUND["name"])  # type: ignore[arg-type]
        assert kept is not None
        with pytest.raises(BadAutomation, match="must be tried"):
            automations.set_active(session, kept, on=True)
    _switch_on(desk, REFUND)
    with desk.store.database.transaction() as session:
        automations.save(session, rules_automations.read({**REFUND, "actions": [{"tag": "other"}]}), desk.now)
        changed = automations.get(session, "Refunds to Billing")
    assert changed is not None
    assert not changed.active and not changed.is_tried


def test_a_trial_lists_what_would_change_and_writes_nothing(any_desk: SmallDesk) -> None:
    any_desk.receive(
        any_desk.mail(BOB, "Refund please", "I want my money."), any_desk.mail(BOB, "Hello", "A question.")
    )
    before = any_desk.events(1)
    with any_desk.store.database.transaction() as session:
        automations.save(session, rules_automations.read(REFUND), any_desk.now)
        kept = automations.get(session, "Refunds to Billing")
        assert kept is not None
        (would,) = automations.try_automation(session, kept, any_desk.now)
    assert would.ticket.id == 1
    assert {"team_changed", "tagged"} <= {event.kind for event in would.changes}
    assert any_desk.events(1) == before


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({**REFUND, "when": {"event": "fly"}}, "does not happen"),
        ({**REFUND, "when": {}}, "exactly one"),
        ({**REFUND, "when": {"event": "opened", "age_hours": 3}}, "exactly one"),
        ({**REFUND, "actions": []}, "does nothing"),
        ({**REFUND, "actions": [{"fly": 1}]}, "is no action"),
        ({**REFUND, "conditions": [{"field": "x", "is": 1}]}, "is no field"),
        ({**REFUND, "colour": "red"}, "colour"),
        ({**REFUND, "name": ""}, "name"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadAutomation, match=said):
        rules_automations.read(given)


def test_a_rule_says_itself_in_words() -> None:
    assert rules_automations.words(rules_automations.read(REFUND)) == (
        "when opened, if subject word refund: team Billing, tag refund, priority high"
    )


def _gone(desk: SmallDesk) -> None:
    """Max has left; rules and macros still name him."""
    with desk.store.database.transaction() as session:
        people.set_active(session, desk.max.id, active=False)


WATCHES_MAX: list[dict[str, Any]] = [{"watch": [ALICE, MAX]}, {"tag": "x"}]


def test_a_rule_with_an_action_that_cannot_be_done_keeps_no_mail_back(any_desk: SmallDesk) -> None:
    when = {"event": "opened"}
    conditions = [{"field": "subject", "word": "refund"}]
    _switch_on(any_desk, {"name": "Max", "when": when, "conditions": conditions, "actions": WATCHES_MAX})
    _gone(any_desk)
    any_desk.receive(any_desk.mail(BOB, "Refund", "My money."), any_desk.mail(CAROL, "Hours", "When are you open?"))
    assert len(any_desk.letters("acknowledgement")) == 2
    assert any_desk.ticket(1).tags == ("x",)
    (fired,) = [event for event in any_desk.events(1) if event.kind == "automation_fired"]
    assert "but not watch: no agents are called" in fired.why


def test_a_timed_rule_with_an_action_that_cannot_be_done_keeps_no_other_rule_back(any_desk: SmallDesk) -> None:
    when = {"silent_hours": 1, "status": ["new", "open"]}
    _switch_on(any_desk, {"name": "a", "when": when, "actions": WATCHES_MAX})
    _switch_on(any_desk, {"name": "b", "when": when, "actions": [{"tag": "seen"}]})
    _gone(any_desk)
    any_desk.receive(any_desk.mail(BOB, "Hello", "A question."), any_desk.mail(CAROL, "Hello", "Another one."))
    any_desk.later(hours=2)
    any_desk.context._configuration = None
    runner.drain(any_desk.context)
    assert [ticket.tags for ticket in any_desk.tickets()] == [("x", "seen"), ("x", "seen")]


@pytest.mark.parametrize("when", [{"event": "opened"}, {"silent_hours": 1, "status": ["new", "open"]}])
def test_a_rule_that_breaks_on_a_ticket_is_said_there_once_and_stops_nothing(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch, when: dict[str, Any]
) -> None:
    honest = runner.conditions.hold

    def hold(rules_conditions: Any, facts: Any) -> bool:
        if rules_conditions:
            raise TypeError("a condition that nobody thought of")
        return honest(rules_conditions, facts)

    refund = [{"field": "subject", "word": "refund"}]
    _switch_on(any_desk, {"name": "a", "when": when, "conditions": refund, "actions": [{"tag": "a"}]})
    _switch_on(any_desk, {"name": "b", "when": when, "actions": [{"tag": "b"}]})
    monkeypatch.setattr(runner.conditions, "hold", hold)
    any_desk.receive(any_desk.mail(BOB, "Refund", "My money."))
    for _ in range(3):
        any_desk.later(hours=2)
        any_desk.context._configuration = None
        runner.drain(any_desk.context)
    assert any_desk.ticket(1).tags == ("b",) and len(any_desk.letters("acknowledgement")) == 1
    (broken,) = [event for event in any_desk.events(1) if event.kind == "automation_failed"]
    assert broken.why.startswith("rule a could not be judged: TypeError at ")


def test_a_rule_that_cannot_be_read_any_more_stops_neither_mail_nor_other_rules(any_desk: SmallDesk) -> None:
    for name in ("a", "b"):
        _switch_on(any_desk, {"name": name, "when": {"event": "opened"}, "actions": [{"tag": name}]})
    with any_desk.store.database.transaction() as session:
        where = automations_table.c.name == "a"
        session.execute(sa.update(automations_table).where(where).values(actions=[{"dance": "now"}]))
    any_desk.context._configuration = None
    any_desk.receive(any_desk.mail(BOB, "Hello", "A question."))
    assert any_desk.ticket(1).tags == ("b",) and any_desk.states() == {"ticketed": 1}


def test_a_timed_rule_that_always_breaks_is_put_off_until_somebody_changes_it(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"name": "a", "when": {"age_hours": 1}, "actions": [{"tag": "a"}]}
    kept = _switch_on(any_desk, given)
    any_desk.receive(any_desk.mail(BOB, "Hello", "A question."))
    any_desk.later(hours=2)
    with monkeypatch.context() as patch:
        patch.setattr(runner.automations, "due_tickets", lambda *_: 1 / 0)
        for _ in range(5):
            any_desk.context._configuration = None
            runner.drain(any_desk.context)
            any_desk.later(minutes=5)
    with any_desk.store.database.reading() as session:
        assert failures.given_up(session) == {automations.TIMED: 1}
    _switch_on(any_desk, {**given, "actions": [{"tag": "b"}]})
    runner.drain(any_desk.context)
    assert any_desk.ticket(1).tags == ("b",) and kept.id
