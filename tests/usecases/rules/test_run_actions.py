"""What rules, macros and escalations do to a ticket leaves events with their reason, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from desk.rules import actions
from desk.tickets import properties
from desk.tickets.ticket import DESK, NotAllowed, Status, Ticket
from storage.db.session import Session, enqueue
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from storage.tickets import tickets
from usecases.rules import run_actions
from usecases.rules.run_actions import ActionContext
from usecases.tickets import conversation, watchers

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DOING = ActionContext(DESK, NOW, "rule Refunds", {"requester": "Bob"})


def _ticket(session: Session) -> Ticket:
    team = people.add_team(session, "Billing")
    people.add_agent(session, NewAgent("alice@corp.example.test", "Alice Agent", "agent", "", [team.id]), NOW)
    bob = people.add_agent(session, NewAgent("bob@home.example.test", "Bob", "agent"), NOW)
    (number,) = tickets.reserve(session, 1)
    made = Ticket(number, "Refund", bob.id, NOW, NOW)
    tickets.insert_many(session, [made])
    return made


def test_deeds_change_the_ticket_and_name_their_rule(any_store: Store) -> None:
    wanted = actions.read([
        {"team": "Billing"}, {"assign": "alice@corp.example.test"}, {"priority": "high"}, {"tag": ["refund", "vip"]},
        {"untag": "vip"}, {"field": {"cost_centre": "4711"}}, {"note": "For {requester}"}, {"snooze_hours": 2},
        {"notify": ["lead"]}, {"watch": "Bob"}, {"category": "Billing / Refund"},
    ])  # fmt: skip
    with any_store.database.transaction() as session:
        done = run_actions.run_actions(session, _ticket(session), wanted, DOING)
        ticket = tickets.get(session, done.ticket.id)
        history = tickets.history(session, done.ticket.id)
        said = tickets.messages_of(session, done.ticket.id)
    assert done.refused == ()
    assert ticket == done.ticket
    assert (ticket.priority, ticket.tags, ticket.fields) == ("high", ("refund",), {"cost_centre": "4711"})
    assert (ticket.status, ticket.category) == (Status.OPEN, "Billing / Refund")
    assert [message.text for message in said] == ["For Bob"]
    assert all(event.why for event in history if event.kind not in ("noted", "status_changed"))


def test_what_does_not_fit_is_left_out_and_reported(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        wanted = actions.read([{"team": "Nowhere"}, {"assign": "nobody else"}, {"assign": "me"}, {"tag": "x"}])
        done = run_actions.run_actions(session, _ticket(session), wanted, DOING)
    assert [line.partition(":")[0] for line in done.refused] == ["team", "assign", "assign"]
    assert done.ticket.tags == ("x",)


def test_a_plan_writes_nothing(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        made = _ticket(session)
        happened = run_actions.plan_events(
            session, made, actions.read([{"team": "Billing"}, {"note": "x"}, {"tag": "y"}]), DOING
        )
        assert [event.kind for event in happened] == ["team_changed", "note", "tagged"]
        assert tickets.history(session, made.id) == []
        assert tickets.get(session, made.id) == made


def test_a_child_has_one_parent_and_no_circle_is_made() -> None:
    one, two = Ticket(1, "a", 1, NOW, NOW), Ticket(2, "b", 1, NOW, NOW)
    child = properties.set_parent(one, two, DESK, NOW).ticket
    assert child.parent_id == 2
    for wrong in (one, child):
        with pytest.raises(NotAllowed):
            properties.set_parent(one, wrong, DESK, NOW)
    assert properties.set_parent(child, None, DESK, NOW).ticket.parent_id is None


def test_a_refused_action_leaves_nothing_half_done_and_the_next_sees_the_current_ticket(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        ticket = _ticket(session)
        wanted = actions.read([{"watch": ["alice@corp.example.test", "nobody there"]}, {"tag": "x"}])
        done = run_actions.run_actions(session, ticket, wanted, DOING)
        assert watchers.list_watchers(session, [ticket.id]) == {}
        assert [event.kind for event in tickets.history(session, ticket.id)] == ["tagged"]
    assert done.refused == ("watch: no agents are called 'nobody there'",) and done.ticket.tags == ("x",)


def test_an_action_that_breaks_halfway_leaves_no_note_without_an_event(
    any_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(conversation.transitions, "note", broken)
    with any_store.database.transaction() as session:
        ticket = _ticket(session)
        done = run_actions.run_actions(session, ticket, actions.read([{"note": "Hello"}, {"tag": "x"}]), DOING)
        assert tickets.messages_of(session, ticket.id) == []
    assert len(done.refused) == 1 and done.refused[0].startswith("note: it failed (RuntimeError at ")
    assert done.ticket.tags == ("x",)


def test_what_a_refused_action_wanted_to_enqueue_is_not_enqueued(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        with pytest.raises(NotAllowed), session.savepoint():
            enqueue(session, "inside", 1)
            raise NotAllowed("no")
        enqueue(session, "outside", 1)
        assert list(session.enqueued) == [("outside", 1)]
