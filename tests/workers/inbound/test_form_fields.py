"""What a form answers beside the request stands on the ticket, typed, each with its event."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desk.tickets import history
from desk.tickets.fields import Field, Kind
from desk.tickets.form_fields import Answers
from gateway.intake import Incoming
from storage.open_store import Store
from tests.small_desk import BOB, SmallDesk
from usecases.tickets import custom_fields

FIELDS = (
    Field("asset", "Asset tag", public=True),
    Field("seats", "Seats", Kind.NUMBER, public=True),
    Field("urgent", "Stands still", Kind.CHECKBOX, public=True),
)


@pytest.fixture
def desk(any_store: Store) -> SmallDesk:
    with any_store.database.transaction() as session:
        for field in FIELDS:
            custom_fields.save(session, field)
    return SmallDesk(any_store, delivers=False)


def sent(desk: SmallDesk, answers: Answers) -> Incoming:
    mail = desk.mail(BOB, "Desk lamp", "It does not shine.")
    return replace(mail, request=replace(mail.request, fields=answers.pairs()))


def test_answers_become_fields_with_their_types_and_an_event_each(desk: SmallDesk) -> None:
    desk.receive(sent(desk, Answers("", {"asset": "P-17", "seats": 3, "urgent": True})))
    assert desk.ticket(1).fields == {"asset": "P-17", "seats": 3, "urgent": True}
    events = [event for event in desk.events(1) if event.kind == "field_changed"]
    assert [(event.data.name, event.why) for event in events] == [
        (name, "answered in the form") for name in ("asset", "seats", "urgent")
    ]
    assert all(str(event.actor.kind) == "requester" for event in events)
    assert desk.kinds(1)[0] == "opened"


def test_a_chosen_topic_is_the_category_and_no_correction(desk: SmallDesk) -> None:
    desk.receive(sent(desk, Answers("Facilities / Lamps", {})))
    assert desk.ticket(1).category == "Facilities / Lamps"
    (event,) = [event for event in desk.events(1) if event.kind == "category_changed"]
    assert event.why == "chosen in the form" and event.actor.name


def test_an_answer_whose_field_is_gone_is_told_by_the_history(desk: SmallDesk) -> None:
    incoming = sent(desk, Answers("", {"asset": "P-17", "seats": 3}))
    with desk.store.database.transaction() as session:
        custom_fields.remove(session, "asset")
        custom_fields.save(session, Field("seats", kind=Kind.DATE))
    desk.receive(incoming)
    assert desk.ticket(1).fields == {}
    lost = [event for event in desk.events(1) if event.kind == "answer_not_kept"]
    assert [(event.before, event.after) for event in lost] == [("asset", "P-17"), ("seats", "3")]


def test_a_mail_asks_the_database_for_no_fields(desk: SmallDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custom_fields, "list_all", lambda _session: pytest.fail("fields were read"))
    desk.receive(desk.mail(BOB, "Desk lamp", "It does not shine."))
    assert desk.ticket(1).fields == {}


def test_the_history_leads_to_what_the_ticket_holds(desk: SmallDesk) -> None:
    desk.receive(sent(desk, Answers("Facilities / Lamps", {"asset": "P-17", "seats": 3})))
    ticket, events = desk.ticket(1), desk.events(1)
    replayed = history.replay(history.beginning(ticket, events), events)
    assert (replayed.category, replayed.fields) == (ticket.category, ticket.fields)
