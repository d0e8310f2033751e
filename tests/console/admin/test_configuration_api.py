"""The desk's configuration by JSON: what a file may say, programs may say too; and values of custom fields."""

from __future__ import annotations

from typing import Any

import pytest

from desk.tickets.fields import Field, Kind
from storage.access import api_tokens
from storage.open_store import Store
from storage.people import people
from tests.console.conftest import START, Browser, Console, csrf
from usecases.tickets import custom_fields

PATH = "/api/v1/configuration"
SEATS = {"name": "seats", "label": "Seats", "kind": "number", "required": True}


def token(store: Store, *scopes: str) -> dict[str, str]:
    with store.database.transaction() as session:
        return {"Authorization": f"Bearer {api_tokens.create(session, 'setup', scopes, START)}"}


def post(browser: Browser, path: str, headers: dict[str, str], body: dict[str, Any]) -> Any:
    return browser.client.post(path, json=body, headers=headers)


def fields(console: Console) -> list[str]:
    with console.store.database.reading() as session:
        return [one.name for one in custom_fields.list_all(session)]


def test_fields_are_defined_once_and_shown(console: Console, stranger: Browser) -> None:
    head = token(console.store, "configuration")
    dry = post(stranger, PATH, head, {"field": [SEATS], "dry_run": True}).json()
    assert dry["dry_run"] and [step["what"] for step in dry["steps"]] == ["added"] and fields(console) == []
    assert post(stranger, PATH, head, {"field": [SEATS]}).json()["steps"][0]["name"] == "seats"
    assert post(stranger, PATH, head, {"field": [SEATS]}).json()["steps"] == []
    (shown,) = stranger.get(f"{PATH}?kind=field", headers=head).json()["field"]
    assert shown["name"] == "seats" and shown["kind"] == "number" and shown["required"]
    assert post(stranger, PATH, head, {"field": [], "prune": True}).json()["steps"][0]["what"] == "removed"
    assert fields(console) == []


def test_what_is_shown_can_be_sent_back_and_changes_nothing(console: Console, stranger: Browser) -> None:
    head = token(console.store, "configuration")
    whole = stranger.get(PATH, headers=head).json()
    assert whole["team"] and whole["mailbox"]
    answer = post(stranger, PATH, head, {kind: entries for kind, entries in whole.items() if entries}).json()
    assert answer.get("steps") == [], answer


@pytest.mark.parametrize(
    "body",
    [
        {"planet": []},
        {"field": [{"name": "Big Name"}]},
        {"field": [SEATS, {"name": "x", "kind": "choice"}]},
        {"field": "seats"},
        {"field": [SEATS], "dry_run": "yes"},
    ],
)
def test_what_cannot_be_meant_changes_nothing(console: Console, stranger: Browser, body: dict[str, Any]) -> None:
    answer = post(stranger, PATH, token(console.store, "configuration"), body)
    assert answer.status_code == 422 and answer.json()["error"]["message"] and fields(console) == []


def test_only_admins_and_tokens_of_the_scope_may(console: Console, alice: Browser, stranger: Browser) -> None:
    weak = token(console.store, "tickets", "tickets:write")
    assert post(stranger, PATH, weak, {}).status_code == 403
    assert stranger.get(PATH, headers=weak).status_code == 403
    assert stranger.get(PATH).status_code == 401
    with console.store.database.reading() as session:
        role = next(one.role for one in people.all_agents(session) if one.address.startswith("alice@"))
    head = {"X-CSRF-Token": csrf(alice.get("/account").text)}
    allowed = 200 if role == "admin" else 403
    assert alice.get(PATH).status_code == allowed
    assert post(alice, PATH, head, {"field": []}).status_code == allowed
    assert post(alice, PATH, {}, {"field": []}).status_code == 403


def test_values_of_a_ticket_are_written_all_or_none(console: Console, alice: Browser, stranger: Browser) -> None:
    with console.store.database.transaction() as session:
        custom_fields.save(session, Field("seats", "Seats", Kind.NUMBER))
        custom_fields.save(session, Field("asset"))
    head, path = token(console.store, "tickets:write"), f"/api/v1/tickets/{console.things.ticket}/fields"
    assert post(stranger, path, head, {"asset": "P-1", "seats": "many"}).status_code == 422
    assert console.ticket().fields == {}
    assert post(stranger, path, head, {"asset": "P-1", "seats": 3}).json()["fields"] == {"asset": "P-1", "seats": 3}
    assert post(stranger, path, head, {"asset": None}).json()["fields"] == {"seats": 3}
    assert [e.actor.name for e in console.events() if e.kind == "field_changed"] == ["API token setup"] * 3
    assert post(stranger, path, head, {"nonsense": 1}).status_code == 422
    assert post(stranger, path, head, {"seats": [1]}).status_code == 422
    assert post(stranger, "/api/v1/tickets/999/fields", head, {"seats": 1}).status_code == 404
    own = {"X-CSRF-Token": csrf(alice.get("/account").text)}
    assert post(alice, path, own, {"seats": 4}).json()["fields"] == {"seats": 4}
