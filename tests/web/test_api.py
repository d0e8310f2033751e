"""The inbound API: tokens, idempotency keys, and answers that say what to do."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from desk.channels import Channel
from desk.config.settings import Settings
from gateway.web.app import routes
from storage.access import api_tokens
from storage.mail import inbound
from storage.mail.inbound import SettledRequest
from storage.open_store import open_store
from tests.web.conftest import START, Web, make_token

BODY = {"email": "carol@customer.example.test", "subject": "Order 7", "body": "Where is it?"}


def test_a_request_is_answered_202_with_its_id_after_it_was_stored(web: Web) -> None:
    answer = web.post(BODY)
    assert answer.status_code == 202
    (row,) = web.rows()
    assert answer.json()["id"] == row.id
    assert (row.channel, row.state) == (Channel.API, "waiting")
    assert web.requests()[0].text == "Where is it?"


def test_the_same_key_and_body_twenty_times_at_once_is_one_request_with_one_answer(web: Web) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: web.post(BODY, key="k-1"), range(20)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    assert len(web.rows()) == 1


def test_the_same_key_with_another_body_is_refused(web: Web) -> None:
    web.post(BODY, key="k-1")
    answer = web.post(BODY | {"body": "Never mind."}, key="k-1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "key_reused")
    assert len(web.rows()) == 1


def test_two_tokens_may_use_the_same_key(web: Web) -> None:
    web.post(BODY, key="k-1")
    assert web.requests()[0].external_id == "api:1:k-1"
    assert web.post(BODY, key="k-1", Authorization=f"Bearer {make_token(web.store)}").status_code == 202
    assert len(web.rows()) == 2


def test_without_a_key_each_post_is_a_request(web: Web) -> None:
    web.post(BODY)
    web.post(BODY)
    assert len(web.rows()) == 2


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "a b"])
def test_a_key_that_is_none_is_refused(web: Web, key: str) -> None:
    answer = web.post(BODY, **{"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "key")


@pytest.mark.parametrize(
    "extra", [{"status": "resolved"}, {"is_agent": True}, {"id": 1}, {"channel": "email"}, {"sender_strict": True}]
)
def test_fields_that_are_not_of_a_request_are_refused_by_name(web: Web, extra: dict[str, Any]) -> None:
    answer = web.post(BODY | extra)
    assert answer.status_code == 422
    assert next(iter(extra)) in answer.json()["error"]["fields"]
    assert web.rows() == []


@pytest.mark.parametrize(
    "body",
    [
        {"email": ["a"], "subject": {"$ne": 1}, "body": None},
        {},
        [],
        "text",
        7,
        {"email": "a@example.test"},
        BODY | {"email": "a@example.test\r\nBcc: b@example.test"},
        BODY | {"subject": "a\nb"},
        BODY | {"attachments": "x"},
        BODY | {"attachments": [{"name": "a", "content": "not base64!"}]},
        BODY | {"attachments": [{"name": "a", "content": "", "sha256": "x"}]},
        BODY | {"attachments": [{"name": 1, "content": ""}]},
        BODY | {"attachments": [[]] * 3},
        BODY | {"attachments": [{"name": "a", "content": ""}] * 11},
    ],
)
def test_a_wrong_body_is_refused_with_a_sentence(web: Web, body: Any) -> None:
    answer = web.post(body)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"]
    assert web.rows() == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"body": ' + b"9" * 10_000 + b"}",
        json.dumps(BODY | {"body": "\x00\ud83d"}).encode(),
        json.dumps(BODY | {"\ud83d": 1}).encode(),
    ],
)
def test_bytes_that_are_no_request_never_break_the_door(web: Web, raw: bytes) -> None:
    answer = web.post(raw)
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["message"]


def test_only_json_is_read(web: Web) -> None:
    answer = web.post(json.dumps(BODY).encode(), **{"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "media_type")


def test_a_body_over_the_limit_is_refused(web: Web) -> None:
    assert web.post(BODY | {"body": "x" * 1_500_000}).status_code == 413


def test_attachments_come_as_base64(web: Web) -> None:
    file = {"name": "a/b.txt", "content": base64.b64encode(b"hello").decode(), "media_type": "text/plain"}
    assert web.post(BODY | {"attachments": [file]}).status_code == 202
    (one,) = web.requests()[0].attachments
    assert (one.name, one.media_type, one.size) == ("b.txt", "text/plain", 5)


def test_without_a_valid_token_nothing_is_taken(web: Web) -> None:
    other = make_token(web.store, "tickets")
    for header, status in (("", 401), ("Bearer ", 401), ("Bearer fd_wrong", 401), (f"Bearer {other}", 403)):
        answer = web.post(BODY, Authorization=header)
        assert answer.status_code == status
    assert web.post(BODY, Authorization="Basic eDp5").headers["www-authenticate"] == "Bearer"
    assert web.rows() == []


def test_a_token_counts_in_its_header_only(web: Web) -> None:
    """An address stands in the logs of proxies and in histories."""
    token = make_token(web.store, "inbound")
    for query in ("token", "access_token", "api_key", "authorization"):
        answer = web.client.post(f"/api/v1/inbound?{query}={token}", json=BODY)
        assert answer.status_code == 401 and token not in answer.text
    assert web.rows() == []


def test_a_revoked_token_opens_nothing(web: Web) -> None:
    with web.store.database.transaction() as session:
        (known,) = api_tokens.all_tokens(session)
        assert api_tokens.revoke(session, known.id, START)
        assert not api_tokens.revoke(session, known.id, START)
    assert web.post(BODY).status_code == 401


def test_guessing_tokens_is_slowed_down(web: Web) -> None:
    codes = [web.post(BODY, Authorization=f"Bearer fd_{n}").status_code for n in range(8)]
    assert codes == [401] * 5 + [429] * 3
    assert web.post(BODY).status_code == 202, "wrong tokens keep no valid token out"


def test_a_token_is_stored_only_as_a_hash(web: Web) -> None:
    data = (web.store.settings.data / "frontdesk.sqlite3").read_bytes()
    wal = web.store.settings.data / "frontdesk.sqlite3-wal"
    assert web.token.encode() not in data + (wal.read_bytes() if wal.exists() else b"")


def test_the_state_of_a_request_can_be_asked_for(web: Web) -> None:
    made = web.post(BODY).json()
    headers = {"Authorization": f"Bearer {web.token}"}
    assert web.client.get(made["url"], headers=headers).json()["state"] == "waiting"
    with web.store.database.transaction() as session:
        inbound.settle(session, [SettledRequest(made["id"], "ticketed", ticket_id=12)], START)
    answer = web.client.get(made["url"], headers=headers).json()
    assert (answer["state"], answer["ticket"]) == ("ticketed", 12)


def test_the_state_of_another_tokens_request_is_not_told(web: Web) -> None:
    made = web.post(BODY).json()
    other = {"Authorization": f"Bearer {make_token(web.store)}"}
    assert web.client.get(made["url"], headers=other).status_code == 404
    for number in ("0", "999", "9" * 40):
        mine = {"Authorization": f"Bearer {web.token}"}
        assert web.client.get(f"/api/v1/inbound/{number}", headers=mine).status_code == 404


def test_while_the_database_is_away_the_answer_is_503_and_when_to_come_back(web: Web) -> None:
    away = Settings(
        data_dir=web.store.settings.data_dir,
        secret_key=web.store.settings.secret_key,
        database_url="postgresql://nobody@127.0.0.1:1/none",
    )
    store = open_store(away)
    with TestClient(Starlette(routes=routes(store, away))) as client:
        answer = client.post("/api/v1/inbound", json=BODY, headers={"Authorization": f"Bearer {web.token}"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        data = {"token": web.form(client)} | BODY
        page = client.post("/request", data=data)
        assert (page.status_code, page.headers["retry-after"]) == (503, "30")
        assert "Where is it?" in page.text
    store.close()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from([*BODY, "name", "attachments", "status"]), _JSON, max_size=6))
def test_no_json_breaks_the_door(web: Web, body: dict[str, Any]) -> None:
    assert web.post(json.dumps(body).encode()).status_code in (202, 422)
