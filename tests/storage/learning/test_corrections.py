"""What agents say about categories becomes a row in the transaction of its event."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from desk.tickets import transitions
from desk.tickets.ticket import DESK, Actor, ActorKind, Ticket
from storage.db.session import Session
from storage.learning import training_labels
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from storage.tickets import corrections, tickets
from tests.console.fixtures_desk import plain_ticket
from tests.storage.rows import corrections_of_ticket

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ALICE = Actor(ActorKind.AGENT, 1, "Alice")


def guessed(session: Session, category: str = "Billing / Refund", outcome: str = "suggest") -> Ticket:
    """A ticket with a guess."""
    people.add_agent(session, NewAgent("alice@corp.example.test", "Alice", "agent"), NOW)
    ticket = plain_ticket(session, "carol@customer.example.test", "Money", "Give it back", NOW)
    (message,) = tickets.messages_of(session, ticket.id)
    row = {"ticket_id": ticket.id, "message_id": message.id, "model_version": "starter-1", "category": category}
    tickets.add_predictions(session, [row | {"probability": 0.5, "outcome": outcome}])
    return ticket


def test_an_agents_change_of_category_is_a_correction(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        ticket = guessed(session)
        tickets.save(session, transitions.set_category(ticket, "Billing / Invoice", ALICE, NOW, via="console"))
        (row,) = corrections_of_ticket(session, ticket.id)
    said = {name: row[name] for name in ("agent_id", "via", "before", "after", "model_version", "at")}
    assert said == {
        "agent_id": 1,
        "via": "console",
        "before": "",
        "after": "Billing / Invoice",
        "model_version": "starter-1",
        "at": NOW,
    }


def test_confirming_a_suggestion_sets_it_and_confirming_again_keeps_the_word(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        ticket = guessed(session)
        saved = tickets.save(session, transitions.confirm_category(ticket, "Billing / Refund", ALICE, NOW, "console"))
        assert saved.category == "Billing / Refund"
        tickets.save(session, transitions.confirm_category(saved, "Billing / Refund", ALICE, NOW, "console"))
        rows = corrections_of_ticket(session, ticket.id)
    assert [(row["before"], row["after"]) for row in rows] == [
        ("", "Billing / Refund"),
        ("Billing / Refund", "Billing / Refund"),
    ]


def test_what_the_desk_itself_changes_is_no_correction(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        ticket = guessed(session)
        tickets.save(session, transitions.set_category(ticket, "Billing / Invoice", DESK, NOW))
        assert corrections_of_ticket(session, ticket.id) == []


def test_no_correction_without_its_event(any_store: Store) -> None:
    class Stop(Exception):
        pass

    with any_store.database.transaction() as session:
        ticket = guessed(session)
    with pytest.raises(Stop), any_store.database.transaction() as session:
        tickets.save(session, transitions.set_category(ticket, "Billing / Invoice", ALICE, NOW))
        raise Stop
    with any_store.database.reading() as session:
        assert corrections.newest_id(session) == 0
        assert corrections.count_after(session, 0) == 0


def test_the_last_word_on_a_ticket_is_what_can_be_learned_from_it(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        ticket = guessed(session)
        saved = tickets.save(session, transitions.set_category(ticket, "Billing / Invoice", ALICE, NOW))
        tickets.save(session, transitions.set_category(saved, "Complaint", ALICE, NOW))
        (example,) = training_labels.labels_by_agents(session)
        assert training_labels.labels_by_silence(session) == []
        assert training_labels.opening_text(session, ticket.id) == "Money\nGive it back"
    assert (example.text, example.category, example.said) == ("Money\nGive it back", "Complaint", True)


def test_a_finished_ticket_whose_automatic_category_nobody_touched_teaches_in_silence(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        ticket = guessed(session, outcome="automatic")
        set_by_desk = transitions.set_category(ticket, "Billing / Refund", DESK, NOW)
        tickets.save(session, set_by_desk.then(transitions.resolve(set_by_desk.ticket, ALICE, NOW)))
        (example,) = training_labels.labels_by_silence(session)
        assert training_labels.labels_by_agents(session) == []
    assert (example.category, example.said, example.agent_id) == ("Billing / Refund", False, None)
