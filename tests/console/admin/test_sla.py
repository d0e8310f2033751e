"""Due times in the console: badges and order, policies and calendars with their preview, and who may change them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from storage.sla import calendars
from storage.sla import policies as sla_policies
from storage.sla.policies import PolicyRow
from tests.console.conftest import Browser, Console
from tests.small_desk import categoriser
from usecases.sla import recalculate as sla_review
from workers.runtime.context import Context
from workers.timers import sla as worker

POLICY = {"name": "Standard", "first_response.medium": "2", "first_response.high": "30", "resolution.medium": "16h",
          "resolution.high": "5h", "warn_percent": "80", "active": "1", "pause.resolution": "1"}  # fmt: skip
CALENDAR = {"name": "Office", "time_zone": "Europe/Berlin", "slots": "mon-fri 09:00-17:00\nsat 10:00-12:00",
            "country": "DE", "own": "12-24"}  # fmt: skip


def work(console: Console) -> None:
    """What the worker does in the background."""
    with console.store.database.transaction() as session:
        sla_review.request_recalculation(session, console.now[0], "test")
    worker.drain(Context(console.store, categoriser(), now=lambda: console.now[0]))


def promise(console: Console, **more: Any) -> PolicyRow:
    """Every ticket is resolved within ten hours."""
    with console.store.database.transaction() as session:
        row = sla_policies.save(session, PolicyRow(**{"name": "All", "targets": {"resolution": "10h"}} | more))
    work(console)
    return row


def test_the_list_shows_due_times_and_can_be_read_by_them(console: Console, alice: Browser) -> None:
    before = alice.get("/tickets", params={"status": "all", "due": "first"}).text
    assert "No ticket fits" in before
    promise(console)
    with console.store.database.reading() as session:
        due = console.ticket().due_at
        assert due and sla_policies.any_active(session)
    shown = alice.get("/tickets", params={"status": "all", "due": "first"}).text
    assert f'class="due running" datetime="{due:%Y-%m-%dT%H:%M:%SZ}"' in shown
    assert "due first" in shown
    console.now[0] = due - timedelta(minutes=20)
    soon = alice.get("/tickets", params={"status": "all", "due": "soon"}).text
    assert 'class="due soon"' in soon and "in 20 min" in soon
    console.now[0] = due + timedelta(minutes=20)
    assert "20 min late" in alice.get("/tickets", params={"status": "all", "due": "late"}).text


def test_pages_of_due_times_go_on_where_the_last_one_ended(console: Console, alice: Browser) -> None:
    promise(console)
    number = console.ticket().id
    after = alice.get("/tickets", params={"status": "all", "due": "first", "before": str(number)}).text
    first = alice.get("/tickets", params={"status": "all", "due": "first"}).text
    assert first.count("data-age>in") + first.count(" late</time>") > after.count("data-age>in") + after.count(
        " late</time>"
    )


def test_a_ticket_tells_how_its_due_time_adds_up(console: Console, alice: Browser) -> None:
    promise(console)
    shown = alice.get(f"/tickets/{console.things.ticket}").text
    assert '<span class="due' in shown
    assert "target 10 h by policy &#34;All&#34;" in shown


def test_leads_add_a_calendar_and_see_what_it_means(console: Console, bob: Browser) -> None:
    page = "/sla/calendars/new"
    seen = bob.press(page, page, **CALENDAR, do="preview")
    assert seen.status_code == 200 and "The next two weeks" in seen.text and "12-24" in seen.text
    assert bob.press(page, page, **CALENDAR, do="save").headers["location"] == "/sla?done=saved"
    with console.store.database.reading() as session:
        row = calendars.get_by_name(session, "Office")
    assert row and row.holidays == {"country": "DE", "own": ["12-24"]}
    shown = bob.get(f"/sla/calendars/{row.id}").text
    assert "mon-fri 09:00-17:00\nsat 10:00-12:00" in shown
    assert "Office" in bob.get("/sla").text


def test_a_policy_is_previewed_with_the_tickets_that_move_and_saved_only_then(console: Console, bob: Browser) -> None:
    page = "/sla/policies/new"
    seen = bob.press(page, page, **POLICY, do="preview")
    assert "open tickets get other due times" in seen.text
    assert f'href="/tickets/{console.things.ticket}"' in seen.text
    assert "late at once" in seen.text
    with console.store.database.reading() as session:
        assert sla_policies.list_all(session) == []
    assert bob.press(page, page, **POLICY, do="save").status_code == 303
    with console.store.database.reading() as session:
        (row,) = sla_policies.list_all(session)
        assert sla_review.is_requested(session)
    assert row.targets["first_response"] == {"medium": "2", "high": "30"}
    shown = bob.get(f"/sla/policies/{row.id}").text
    assert 'name="first_response.medium" aria-label="first response, medium" maxlength="12" value="2"' in shown
    assert bob.press(f"/sla/policies/{row.id}", f"/sla/policies/{row.id}", do="remove").status_code == 303
    with console.store.database.reading() as session:
        assert sla_policies.list_all(session) == []


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"first_response.medium": "soon"}, "should be minutes such as 240, or 4h"),
        ({"conditions": "{"}, "this is no JSON"),
        ({"conditions": '{"field": "waiting_hours", "above": 1}'}, "cannot depend on waiting_hours"),
        ({"escalations": '{"at": 50, "actions": [{"shout": "x"}]}'}, "is no action"),
        ({"warn_percent": "200"}, "a number from 0 (never) to 100"),
        ({"name": " "}, "a name is missing"),
        ({"calendar": "99"}, "its calendar is gone"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_stays_typed(bob: Browser, wrong: dict[str, str], why: str) -> None:
    page = "/sla/policies/new"
    answer = bob.press(page, page, **POLICY | wrong, do="save")
    assert answer.status_code == 422
    assert why in answer.text.replace("&#39;", "'")
    assert 'value="30"' in answer.text


def test_a_calendar_that_cannot_be_meant_is_refused(bob: Browser) -> None:
    page = "/sla/calendars/new"
    for wrong in (
        {"slots": "weekdays"},
        {"country": "XX"},
        {"own": "24.12."},
        {"time_zone": "Mars/Olympus"},
        {"name": ""},
    ):
        assert bob.press(page, page, **CALENDAR | wrong, do="save").status_code == 422, wrong


def test_a_calendar_that_a_policy_uses_stays(console: Console, bob: Browser) -> None:
    page = "/sla/calendars/new"
    bob.press(page, page, **CALENDAR, do="save")
    with console.store.database.transaction() as session:
        row = calendars.get_by_name(session, "Office")
        assert row
        sla_policies.save(session, PolicyRow("Standard", {"resolution": "1h"}, calendar_id=row.id))
    answer = bob.press(f"/sla/calendars/{row.id}", f"/sla/calendars/{row.id}", do="remove")
    assert answer.status_code == 422 and "used by Standard" in answer.text


def test_agents_may_neither_see_nor_change_policies(console: Console, alice: Browser) -> None:
    row = promise(console)
    for path in ("/sla", "/sla/policies/new", f"/sla/policies/{row.id}", "/sla/calendars/new"):
        assert alice.get(path).status_code == 403
    for path in ("/sla/policies/new", "/sla/calendars/new", "/sla/recalculate"):
        for do in ("save", "preview"):
            assert alice.press(path, "/tickets", **POLICY, do=do).status_code == 403
    assert "/sla" not in alice.get("/tickets").text


def test_a_form_from_elsewhere_is_refused(bob: Browser) -> None:
    answer = bob.client.post("/sla/policies/new", data=POLICY | {"do": "preview"}, follow_redirects=False)
    assert answer.status_code == 403


def test_a_recalculation_can_be_asked_for_and_shows_how_far_it_is(console: Console, bob: Browser) -> None:
    promise(console)
    assert bob.press("/sla/recalculate", "/sla").headers["location"] == "/sla?done=asked"
    assert "0 of" in bob.get("/sla").text
    worker.drain(Context(console.store, categoriser(), now=lambda: console.now[0]))
    assert "Recalculation" not in bob.get("/sla").text


def test_there_is_no_page_of_a_policy_or_calendar_that_is_not_there(bob: Browser) -> None:
    for path in ("/sla/policies/99", "/sla/calendars/99", "/sla/policies/x", "/sla/calendars/x"):
        assert bob.get(path).status_code == 404
