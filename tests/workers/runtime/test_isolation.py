"""One poisoned row of each kind beside a hundred good ones: the hundred are done, the one is put off and seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from classifier.model import Categoriser
from desk.incidents.detector import Alarm, Key
from desk.knowledge.csat import CsatSettings
from desk.priority import assess as priority
from desk.tickets import lifecycle as lifecycle_rules
from desk.tickets import properties, transitions
from desk.tickets.ticket import Actor, ActorKind, Ticket
from storage.db.session import Session
from storage.incidents import incidents
from storage.knowledge import csat_settings
from storage.runtime import failures
from storage.runtime.failures import PAUSES, Failure
from storage.sla import policies as sla_policies
from storage.sla.policies import PolicyRow
from storage.tables.people import scheduled_replies
from storage.tickets import tickets
from tests.small_desk import BOB, CAROL, SmallDesk
from usecases.agents import scheduled_replies as agents_scheduled_replies
from usecases.agents.scheduled_replies import ReplyRequest
from usecases.incidents import bulk_orders
from usecases.incidents.bulk_orders import NewOrder
from usecases.sla import measure as sla_measure
from workers.events import dispatch
from workers.inbound import ingest
from workers.incidents import detector
from workers.runtime import isolation
from workers.timers import csat, lifecycle
from workers.timers import scheduled_replies as sending
from workers.timers import sla as sla_timers

pytestmark = pytest.mark.slow

GOOD = 100
POISON = "poison"


class Bug(Exception):
    """What a row that nobody thought of raises."""


def failed(desk: SmallDesk) -> list[Failure]:
    with desk.store.database.reading() as session:
        return failures.list_failures(session)


def opened(desk: SmallDesk) -> int:
    """A hundred tickets and, in their midst, the poisoned one; returns its number."""
    people = (f"person{number}@home.example.test" for number in range(GOOD))
    mails = [desk.mail(person, f"Question of {person}", f"What is the answer, {person}?") for person in people]
    mails.insert(GOOD // 2, desk.mail(CAROL, POISON, "This one is odd."))
    desk.receive(*mails)
    return next(ticket.id for ticket in desk.tickets() if ticket.subject == POISON)


def breaks(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, is_bad: Callable[..., bool]) -> None:
    """From now on the function raises for what is bad, and is itself otherwise."""
    honest = getattr(module, name)

    def work(*given: Any, **named: Any) -> Any:
        if is_bad(*given):
            raise Bug("an odd row")
        return honest(*given, **named)

    monkeypatch.setattr(module, name, work)


def with_tickets(desk: SmallDesk, change: Callable[[Session, Ticket], object]) -> None:
    with desk.store.database.transaction() as session:
        for number in sorted(ticket.id for ticket in desk.tickets()):
            ticket = tickets.get(session, number, lock=True)
            assert ticket is not None
            change(session, ticket)


def alice(desk: SmallDesk) -> Actor:
    return Actor(ActorKind.AGENT, desk.alice.id, "Alice Agent")


def test_an_event_that_cannot_be_reacted_to_keeps_no_acknowledgement_back(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        breaks(
            patch,
            dispatch,
            "_messages",
            lambda _s, _d, _b, happened: happened.ticket.subject == POISON,
        )
        bad = opened(any_desk)
        assert len(any_desk.letters("acknowledgement")) == GOOD
        (row,) = failed(any_desk)
        assert (row.job, row.attempts) == ("events", 1) and row.reason.startswith("Bug at ")
        assert dispatch.drain(any_desk.context) == 0, "it is put off"
        for pause in PAUSES:
            any_desk.now += pause + timedelta(seconds=1)
            assert dispatch.drain(any_desk.context) == 1
        any_desk.later(days=9)
        assert dispatch.drain(any_desk.context) == 0, "it was given up, and people see it"
    with any_desk.store.database.transaction() as session:
        assert failures.given_up(session) == {"events": 1}
        assert failures.retry(session, [("events", row.row_id)]) == 1
    any_desk.work()
    assert failed(any_desk) == [] and len(any_desk.letters("acknowledgement", CAROL)) == 1
    assert any_desk.kinds(bad).count("opened") == 1


def test_what_went_well_at_the_second_try_is_no_failure_any_more(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        breaks(patch, dispatch, "_messages", lambda *_: True)
        any_desk.receive(any_desk.mail(BOB, "Hello", "A question."))
        assert len(failed(any_desk)) == 1
    any_desk.now += PAUSES[0] + timedelta(seconds=1)
    any_desk.work()
    assert failed(any_desk) == [] and len(any_desk.letters("acknowledgement")) == 1


def test_a_scheduled_reply_that_cannot_be_read_keeps_no_other_back(any_desk: SmallDesk) -> None:
    bad = opened(any_desk)
    due = any_desk.now + timedelta(hours=1)
    answer, now = ReplyRequest("An answer."), any_desk.now
    with_tickets(
        any_desk,
        lambda session, ticket: agents_scheduled_replies.schedule(session, ticket, alice(any_desk), answer, now, due),
    )
    with any_desk.store.database.transaction() as session:
        where = scheduled_replies.c.ticket_id == bad
        session.execute(sa.update(scheduled_replies).where(where).values(content={"of": "another release"}))
    any_desk.later(hours=2)
    sending.drain(any_desk.context)
    any_desk.work()
    assert len(any_desk.letters("reply")) == GOOD
    assert [(row.job, row.attempts) for row in failed(any_desk)] == [("send_scheduled", 1)]


def test_a_ticket_that_cannot_be_moved_on_keeps_no_other_asleep(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, until = opened(any_desk), any_desk.now + timedelta(hours=1)
    with_tickets(
        any_desk,
        lambda session, ticket: tickets.save(session, properties.snooze(ticket, until, alice(any_desk), any_desk.now)),
    )
    any_desk.later(hours=2)
    breaks(monkeypatch, lifecycle_rules, "rested", lambda ticket, _now: ticket.id == bad)
    lifecycle.drain(any_desk.context)
    assert [ticket.id for ticket in any_desk.tickets() if ticket.snoozed_until] == [bad]
    assert [(row.job, row.row_id) for row in failed(any_desk)] == [("lifecycle", bad)]


def test_a_question_that_cannot_be_asked_keeps_no_other_back(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(any_desk.store.settings, public_url="https://desk.example.test")
    any_desk.store = any_desk.context.store = replace(any_desk.store, settings=settings)
    with any_desk.store.database.transaction() as session:
        csat_settings.set_rules(session, CsatSettings(ask_rating=True))
    bad = opened(any_desk)
    with_tickets(
        any_desk,
        lambda session, ticket: tickets.save(session, transitions.resolve(ticket, alice(any_desk), any_desk.now)),
    )
    any_desk.work()
    any_desk.later(days=2)
    breaks(monkeypatch, csat, "_why_not", lambda _sender, _rules, _rating, ticket, *_: ticket.id == bad)
    csat.drain(any_desk.context)
    assert len(any_desk.letters("rating")) == GOOD
    assert [row.job for row in failed(any_desk)] == ["csat"]


def test_a_ticket_whose_times_cannot_be_measured_keeps_no_other_without_a_due_time(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with any_desk.store.database.transaction() as session:
        sla_policies.save(session, PolicyRow(name="Standard", targets={"resolution": "16h"}))
    bad = opened(any_desk)
    with monkeypatch.context() as patch:
        breaks(patch, sla_measure, "measure", lambda _session, found, *_: any(ticket.id == bad for ticket in found))
        sla_timers.drain(any_desk.context)
        assert [ticket.id for ticket in any_desk.tickets() if ticket.due_at is None] == [bad]
        assert [(row.job, row.row_id) for row in failed(any_desk)] == [("sla", bad)]
    any_desk.later(hours=1, minutes=1)
    sla_timers.drain(any_desk.context)
    assert any_desk.ticket(bad).due_at is not None and failed(any_desk) == []


def test_a_ticket_that_the_detector_cannot_count_keeps_no_other_uncounted(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = opened(any_desk)
    breaks(monkeypatch, detector, "_report", lambda row: row.ticket_id == bad)
    assert detector.drain(any_desk.context) >= GOOD
    assert [(row.job, row.row_id) for row in failed(any_desk)] == [("detect_incidents", bad)]
    assert detector.drain(any_desk.context) == 0


def test_an_order_for_an_incident_answers_all_tickets_but_the_one_that_cannot_be(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = opened(any_desk)
    _incident(any_desk)
    with any_desk.store.database.transaction() as session:
        bulk_orders.place_order(
            session, NewOrder(1, "k", bulk_orders.ANSWER, "It is repaired.", alice(any_desk)), any_desk.now
        )
    breaks(monkeypatch, bulk_orders.conversation, "reply", lambda _session, ticket, *_: ticket.id == bad)
    detector.drain(any_desk.context)
    any_desk.work()
    assert len(any_desk.letters("reply")) == GOOD
    assert any_desk.kinds(bad).count("incident_order_failed") == 1


def test_an_order_that_cannot_be_done_at_all_keeps_no_other_order_waiting(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    any_desk.receive(any_desk.mail(BOB, "Hello", "A question."))
    _incident(any_desk)
    with any_desk.store.database.transaction() as session:
        for key in ("bad", "good"):
            bulk_orders.place_order(session, NewOrder(1, key, bulk_orders.ANSWER, key, alice(any_desk)), any_desk.now)
    breaks(monkeypatch, bulk_orders, "run_step", lambda _session, number, _now: number == 1)
    detector.drain(any_desk.context)
    any_desk.work()
    assert len(any_desk.letters("reply")) == 1
    assert [(row.job, row.row_id) for row in failed(any_desk)] == [("incident_orders", 1)]


def _incident(desk: SmallDesk) -> None:
    """An incident with all tickets in it."""
    places = {ticket.id: (incidents.MEMBER, 1.0) for ticket in desk.tickets()}
    with desk.store.database.transaction() as session:
        number = incidents.open_incident(session, Alarm(Key("Access"), 9, 9, 15, 0.0, "many"), desk.now)
        assert number is not None
        incidents.add_tickets(session, number, places, desk.now)


@pytest.mark.parametrize("broken", ["category", "priority", "keyword rules"])
def test_what_cannot_be_judged_is_a_ticket_all_the_same_and_says_so(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    if broken == "category":
        breaks(monkeypatch, Categoriser, "guess", lambda _self, texts: any(POISON in text for text in texts))
    elif broken == "priority":
        breaks(monkeypatch, priority, "judge", lambda _text, subject="", **_: POISON in subject)
    else:
        any_desk.context.refresh()
        breaks(monkeypatch, type(_rulebook(any_desk)), "find", lambda _self, text: POISON in text)
    bad = opened(any_desk)
    assert any_desk.states() == {"ticketed": GOOD + 1}
    with any_desk.store.database.reading() as session:
        guess = tickets.prediction_of(session, bad)
    assert guess is not None
    reasons = [str(reason) for reason, _ in guess["reasons"]] + list(any_desk.ticket(bad).priority_why.reasons)
    assert broken == "keyword rules" or any(reason.startswith("could not be judged: Bug at ") for reason in reasons)


def _rulebook(desk: SmallDesk) -> Any:
    with desk.store.database.reading() as session:
        return desk.context.configuration(session).rules


def test_a_request_that_cannot_be_settled_is_quarantined_with_the_reason(
    any_desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks(
        monkeypatch,
        ingest.BatchWriter,
        "write",
        lambda _self, decisions: any(one.item.request.subject == POISON for one in decisions),
    )
    any_desk.receive(any_desk.mail(BOB, "Hello", "A question."), any_desk.mail(CAROL, POISON, "Odd."))
    assert any_desk.states() == {"ticketed": 1, "quarantined": 1}
    with any_desk.store.database.reading() as session:
        (row,) = ingest.inbound.list_by_state(session, ["quarantined"])
    assert row["reason"].startswith("could not be settled in 3 attempts: Bug at ")


def test_a_database_that_is_away_is_no_rows_fault(any_desk: SmallDesk) -> None:
    def work() -> isolation.Work[int]:
        def do(_session: Session, _rows: Any) -> int:
            raise sa.exc.OperationalError("SELECT 1", {}, Exception("server closed the connection unexpectedly"))

        return isolation.Work("events", lambda _session: [1], do, int)

    with pytest.raises(sa.exc.OperationalError):
        isolation.drain(any_desk.context, work)
    assert failed(any_desk) == []
