"""The record beside the columns: sleep, tags, fields, copies, links, family, and undo from the history."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from console.tickets.properties import until_when
from desk.tickets.fields import Field, Kind
from desk.tickets.ticket import NotAllowed, Status
from storage.tickets import tickets
from tests.console.conftest import Browser, Console
from usecases.tickets import custom_fields

_UNDO = re.compile(r'name="event" value="(\d+)"')


def test_a_ticket_sleeps_until_tomorrow_and_is_woken_by_hand(console: Console, alice: Browser) -> None:
    number = console.things.ticket
    assert alice.act(number, "snooze", until="tomorrow").headers["location"].endswith("?done=snoozed")
    assert console.ticket().snoozed_until == datetime(2026, 3, 3, 9, tzinfo=UTC)
    assert "End snooze" in alice.get(f"/tickets/{number}").text
    assert "Invoice 7" not in alice.get("/tickets?status=open").text
    assert (
        "Invoice 7" in alice.get("/tickets?status=snoozed").text
        and "Invoice 7" in alice.get("/tickets?status=all").text
    )
    alice.act(number, "wake")
    assert console.ticket().snoozed_until is None and "Invoice 7" in alice.get("/tickets?status=open").text


def test_until_when_is_meant_in_the_agents_own_time() -> None:
    now, zone = datetime(2026, 3, 6, 22, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin")
    assert until_when("tomorrow", "", now, zone) == datetime(2026, 3, 7, 8, tzinfo=UTC)
    assert until_when("monday", "", now, zone) == datetime(2026, 3, 9, 8, tzinfo=UTC)
    assert until_when("3h", "", now, zone) == datetime(2026, 3, 7, 1, 30, tzinfo=UTC)
    # Behind the change to summer time nine o'clock is an hour earlier.
    assert until_when("", "2026-04-01", now, zone) == datetime(2026, 4, 1, 7, tzinfo=UTC)
    assert until_when("", "2026-04-01 10:30", now, zone) == datetime(2026, 4, 1, 8, 30, tzinfo=UTC)
    with pytest.raises(NotAllowed):
        until_when("", "soon", now, zone)


def test_what_was_done_is_undone_from_the_history(console: Console, alice: Browser) -> None:
    number = console.things.ticket
    alice.act(number, "update", status="on_hold", was_status="open", priority="low", was_priority="high")
    for _ in range(2):
        event = _UNDO.findall(alice.get(f"/tickets/{number}").text)[-1]
        assert alice.act(number, "undo", event=event).headers["location"].endswith("?done=undone")
    assert (console.ticket().status, console.ticket().priority) == (Status.OPEN, "high")
    refused = alice.act(number, "undo", event=event)
    assert refused.status_code == 422 and "undone already" in refused.text


def test_an_old_page_undoes_nothing(console: Console, alice: Browser, bob: Browser) -> None:
    number = console.things.ticket
    alice.act(number, "update", status="on_hold", was_status="open")
    page = alice.page(number)
    event = _UNDO.findall(alice.get(f"/tickets/{number}").text)[-1]
    bob.act(number, "reply", kind="note", text="Wait.")
    assert alice.act(number, "undo", page, event=event).status_code == 409
    assert console.ticket().status is Status.ON_HOLD


def test_tags_come_off_and_people_go_in_and_out_of_copy(console: Console, alice: Browser) -> None:
    number = console.things.ticket
    alice.act(number, "update", tags="money, vip")
    alice.act(number, "untag", tag="money")
    assert console.ticket().tags == ("vip",)
    alice.act(number, "copy", address="boss@customer.example.test")
    assert "boss@customer.example.test" in alice.get(f"/tickets/{number}").text
    alice.act(number, "copy", remove="boss@customer.example.test")
    with console.store.database.reading() as session:
        assert "boss@customer.example.test" not in tickets.participants_of(session, [number])[number]
    assert "is no address" in alice.act(number, "copy", address="nobody").text


def test_fields_are_typed_and_required_ones_stand_before_resolved(console: Console, alice: Browser) -> None:
    number = console.things.ticket
    with console.store.database.transaction() as session:
        custom_fields.save(session, Field("amount", "Amount", Kind.NUMBER, required=True))
        custom_fields.save(session, Field("paid", "Is it paid?", Kind.CHECKBOX))
    refused = alice.act(number, "update", status="resolved", was_status="open")
    assert refused.status_code == 422 and "Amount should be filled in" in refused.text
    assert "should be a number" in alice.act(number, "fields", **{"has-amount": "1", "field-amount": "much"}).text
    on = {"has-amount": "1", "field-amount": "12,50", "has-paid": "1", "field-paid": "yes"}
    alice.act(number, "fields", **on)
    assert console.ticket().fields == {"amount": 12.5, "paid": True}
    assert alice.act(number, "update", status="resolved", was_status="open").status_code == 303
    alice.act(number, "fields", **{"has-paid": "1"})
    assert console.ticket().fields == {"amount": 12.5}


def test_links_and_parents_are_made_on_the_page(console: Console, alice: Browser) -> None:
    number, other = console.things.ticket, console.things.other
    alice.act(number, "link", kind="blocks", other=f"#{other}")
    assert "is blocked by <a" in alice.get(f"/tickets/{other}").text
    alice.act(number, "link", kind="blocks", other=str(other), remove="1")
    assert "is blocked by <a" not in alice.get(f"/tickets/{other}").text
    alice.act(other, "parent", parent=f"#{number}")
    alice.act(number, "update", status="resolved", was_status="open")
    assert "Resolve the open children too" in alice.get(f"/tickets/{number}").text
    alice.act(number, "children")
    assert console.ticket(other).status is Status.RESOLVED
    assert "no ticket #999" in alice.act(number, "link", kind="blocks", other="999").text
