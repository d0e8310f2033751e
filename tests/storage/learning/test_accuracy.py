"""What was guessed and what it turned out to be, on both databases; and the models' ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from console.insight import accuracy_figures
from desk.tickets import transitions
from desk.tickets.ticket import Actor, ActorKind
from storage.learning import accuracy, keyword_rules, models
from storage.learning.models import Model
from storage.open_store import Store
from storage.tickets import tickets
from tests.small_desk import CAROL, SmallDesk

NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def test_facts_doubts_past_and_figures_read_the_same_desk(any_store: Store) -> None:
    desk = SmallDesk(any_store, delivers=False)
    desk.receive(desk.mail(CAROL, "Login", "I cannot log in, my password is locked"))
    desk.receive(desk.mail("dan@home.example.test", "Hm", "zeppelin xylophone"))
    alice = Actor(ActorKind.AGENT, desk.alice.id, "Alice")
    with any_store.database.transaction() as session:
        (open_one,) = accuracy.load_uncertain_tickets(session)
        assert (open_one.ticket_id, open_one.words.strip(), len(open_one.choices) >= 2) == (
            2,
            "zeppelin xylophone",
            True,
        )
        ticket = tickets.get(session, 2, lock=True)
        assert ticket is not None
        tickets.save(session, transitions.confirm_category(ticket, "Airships", alice, desk.now))
        assert accuracy.load_uncertain_tickets(session) == []
        facts = accuracy.load_guesses(session, accuracy.weeks_before(desk.now, 0))
        assert [(fact.ticket_id, fact.truth, fact.truth_from) for fact in facts] == [
            (1, None, ""),
            (2, "Airships", "agent"),
        ]
        past = keyword_rules.past_tickets(session)
        assert [(one.ticket_id, one.said, one.category) for one in past] == [
            (2, True, "Airships"),
            (1, False, desk.ticket(1).category),
        ]
        assert past[0].text == "Hm\nzeppelin xylophone"
        page = accuracy_figures.accuracy_report(session, desk.now)
    assert (page["all"]["count"], page["all"]["said"], len(page["weeks"])) == (2, 1, 1)


def test_one_model_is_active_whatever_is_activated(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        for number in range(3):
            assert models.add(session, Model(f"m{number}", NOW + timedelta(hours=number), models.KEPT))
            models.activate(session, f"m{number}", NOW + timedelta(hours=number))
        assert not models.add(session, Model("m1", NOW, models.KEPT)), "a version is one model"
        before = models.previous_model(session)
        states = {one.version: one.state for one in models.list_all(session)}
    assert before is not None and before.version == "m1"
    assert states == {"m0": "kept", "m1": "kept", "m2": "active"}


def test_drift_is_the_share_that_lies_elsewhere() -> None:
    def fact(guessed: str) -> accuracy.EvaluatedGuess:
        return accuracy.EvaluatedGuess(1, NOW, "m", guessed, 0.5, "suggest", "", "", "en", None, "")

    assert accuracy_figures.drift([fact("a"), fact("b")], {"a": 10, "b": 10}) == 0
    assert accuracy_figures.drift([fact("a"), fact("a")], {"b": 3}) == 1
    assert accuracy_figures.drift([fact("a")], {}) is None


def test_a_week_begins_on_monday() -> None:
    assert accuracy.weeks_before(NOW, 0) == datetime(2026, 3, 2, tzinfo=UTC)
    assert accuracy.weeks_before(NOW, 1) == datetime(2026, 2, 23, tzinfo=UTC)
