"""The page of what every ticket follows: leads set days and fields, agents do not see it."""

from __future__ import annotations

from desk.tickets.fields import Kind
from desk.tickets.lifecycle import Lifecycle
from storage.tickets import lifecycle
from tests.console.conftest import Browser, Console
from usecases.tickets import custom_fields


def test_leads_set_the_days(console: Console, bob: Browser) -> None:
    days = {"remind_days": "3", "resolve_days": "7", "close_days": "5", "reopen_days": "14"}
    assert bob.press("/lifecycle", "/lifecycle", **days).headers["location"] == "/lifecycle?done=saved"
    with console.store.database.reading() as session:
        assert lifecycle.rules(session) == Lifecycle(14, 3, 7, 5)
    refused = bob.press("/lifecycle", "/lifecycle", **(days | {"remind_days": "9"}))
    assert refused.status_code == 422 and "fewer than resolve_days" in refused.text
    assert "from 0 to 3650" in bob.press("/lifecycle", "/lifecycle", **(days | {"close_days": "many"})).text


def test_leads_make_and_remove_fields(console: Console, bob: Browser) -> None:
    wanted = {"name": "place", "kind": "choice", "choices": "Berlin\nLyon", "categories": "IT", "required": "1"}
    bob.press("/lifecycle/fields", "/lifecycle", **wanted)
    with console.store.database.reading() as session:
        (field,) = custom_fields.list_all(session)
    assert (field.kind, field.choices, field.categories) == (Kind.CHOICE, ("Berlin", "Lyon"), ("IT",))
    assert "has 1 to" in bob.press("/lifecycle/fields", "/lifecycle", name="a", kind="choice").text
    bob.press("/lifecycle/fields/remove", "/lifecycle", name="place")
    with console.store.database.reading() as session:
        assert custom_fields.list_all(session) == []


def test_agents_may_not(alice: Browser) -> None:
    assert alice.get("/lifecycle").status_code == 403
    assert alice.press("/lifecycle", "/tickets", close_days="1").status_code == 403
