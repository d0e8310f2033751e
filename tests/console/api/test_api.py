"""Tickets as JSON: the same eyes as the pages, by session or by token."""

from __future__ import annotations

from storage.access import api_tokens
from storage.open_store import Store
from tests.console.conftest import START, Browser, Console


def _token(store: Store, scope: str) -> dict[str, str]:
    with store.database.transaction() as session:
        return {"Authorization": f"Bearer {api_tokens.create(session, 'reports', [scope], START)}"}


def test_a_signed_in_agent_and_a_token_see_the_same(console: Console, alice: Browser, stranger: Browser) -> None:
    headers = _token(console.store, "tickets")
    listed = alice.get("/api/v1/tickets").json()
    assert [one["id"] for one in listed["tickets"]] == [2, 1]
    assert stranger.get("/api/v1/tickets", headers=headers).json() == listed
    whole = stranger.get("/api/v1/tickets/1", headers=headers).json()
    assert whole["prediction"]["category"] == "billing"
    assert len(whole["messages"]) == 4
    assert whole["events"]


def test_without_either_there_is_nothing_to_see(console: Console, stranger: Browser) -> None:
    for path in ("/api/v1/tickets", "/api/v1/tickets/1", "/api/v1/tickets/999"):
        answer = stranger.get(path)
        assert answer.status_code == 401
        assert "Bearer" in answer.json()["error"]["message"]
        assert stranger.get(path, headers=_token(console.store, "inbound")).status_code == 403


def test_the_query_filters_and_errors_are_json(console: Console, alice: Browser) -> None:
    assert [one["id"] for one in alice.get("/api/v1/tickets?priority=high").json()["tickets"]] == [1]
    assert alice.get("/api/v1/tickets/999").json()["error"]["code"] == 404
    assert alice.get("/api/v1/nothing").json()["error"]["code"] == 404
    assert alice.get("/api/v1/tickets", params={"q": "x" * 1000}).status_code == 400


def test_guessing_tokens_is_slowed_down(stranger: Browser) -> None:
    codes = [stranger.get("/api/v1/tickets", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(35)]
    assert codes == [401] * 30 + [429] * 5


def test_wrong_tokens_keep_no_valid_token_out(console: Console, stranger: Browser) -> None:
    for n in range(35):
        stranger.get("/api/v1/tickets", headers={"Authorization": f"Bearer {n}"})
    assert stranger.get("/api/v1/tickets", headers=_token(console.store, "tickets")).status_code == 200
    assert stranger.get("/api/v1/tickets", headers={"Authorization": "Bearer x"}).status_code == 429
