"""Health: each dependency's truth, within seconds, and numbers without names."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from console.web import health
from console.web.server import Pages
from storage.learning import models
from storage.learning.models import Model
from storage.mail import imap_folders, inbound
from storage.mail.inbound import Arrival
from storage.open_store import Store, open_store
from storage.people import people
from storage.runtime import locks

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NOWHERE = "postgresql://desk:hunter2@127.0.0.1:1/desk"


@contextmanager
def asked(store: Store) -> Iterator[str]:
    """The address of this record's health."""
    pages = Pages(Starlette(routes=health.routes(store, lambda: NOW)), "127.0.0.1", 0)
    with pages.beside():
        yield f"http://{pages.address}"


def test_a_model_that_was_given_up_degrades(store: Store) -> None:
    with store.database.transaction() as session:
        models.add(session, Model("desk-1", NOW, models.BROKEN))
    with asked(store) as address, urllib.request.urlopen(f"{address}/readyz") as answer:
        found = json.load(answer)
    assert (found["model"], found["status"]) == ("degraded", "degraded")


@contextmanager
def with_settings(store: Store, **settings: str) -> Iterator[Store]:
    opened = open_store(replace(store.settings, **settings))
    try:
        yield opened
    finally:
        opened.close()


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def clock_runs(store: Store) -> None:
    with store.database.transaction() as session:
        locks.take(session, "clock", "somebody", NOW, timedelta(seconds=10))


def test_an_address_longer_than_any_page_is_refused_before_anybody_reads_numbers_in_it(store: Store) -> None:
    with asked(store) as url:
        assert get(f"{url}/tickets/{'9' * 5_000}")[0] == 414


def test_all_is_well(any_store: Store, valkey: str) -> None:
    clock_runs(any_store)
    with with_settings(any_store, redis_url=valkey) as store, asked(store) as url:
        code, body = get(f"{url}/readyz")
    assert code == 200
    parts = ("status", "database", "clock", "model", "queue", "disk")
    assert json.loads(body) == dict.fromkeys(parts, "ok")


def test_without_a_queue_requests_are_still_taken_so_it_is_only_degraded(store: Store) -> None:
    clock_runs(store)
    with with_settings(store, redis_url="redis://127.0.0.1:1") as other, asked(other) as url:
        code, body = get(f"{url}/readyz")
    assert code == 200
    assert (json.loads(body)["status"], json.loads(body)["queue"]) == ("degraded", "degraded")


def test_without_a_clock_it_is_degraded(store: Store, valkey: str) -> None:
    with with_settings(store, redis_url=valkey) as other, asked(other) as url:
        assert json.loads(get(f"{url}/readyz")[1])["clock"] == "degraded"


def test_without_a_database_it_is_not_ready_but_alive_and_says_so_soon(store: Store) -> None:
    with with_settings(store, database_url=NOWHERE) as other, asked(other) as url:
        begun = time.monotonic()
        code, body = get(f"{url}/readyz")
        assert (code, json.loads(body)["database"]) == (503, "down")
        assert time.monotonic() - begun < 10
        assert get(f"{url}/livez")[0] == 200
        code, numbers = get(f"{url}/metrics")
    assert code == 200
    assert 'frontdesk_dependency_up{dependency="database"} 0.0' in numbers
    assert "hunter2" not in body + numbers


def test_the_numbers_are_those_of_the_ledger_and_name_nobody(any_store: Store) -> None:
    imap = {"host": "imap.example.test", "user": "desk", "password_env": "X"}
    with any_store.database.transaction() as session:
        inbound.write_down(session, [Arrival("email", "support@desk.example.test", "1", "h1", NOW, "{}")])
        inbound.write_down(session, [Arrival("email", "ada@example.test", "2", "h2", NOW, quarantine="secret word")])
        box = people.add_mailbox(session, "it@desk.example.test", "", None, imap)
        imap_folders.note_good(session, box.id, "INBOX", 12.0, NOW)
    with asked(any_store) as url:
        numbers = get(f"{url}/metrics")[1]
    assert 'frontdesk_inbound{state="quarantined"} 1.0' in numbers
    assert "frontdesk_inbound_unsettled 1.0" in numbers
    assert f'frontdesk_imap_lag_seconds{{folder="INBOX",mailbox="{box.id}"}} 12.0' in numbers
    assert "example.test" not in numbers
    assert "secret" not in numbers


TOKEN = "a token for figures"


@pytest.mark.parametrize(
    ("client", "headers", "code"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("203.0.113.9", {}, 401),
        ("10.0.0.9", {}, 401),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, 401),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.9"}, 401),
        ("203.0.113.9", {"X-Forwarded-For": "127.0.0.1"}, 401),
        ("203.0.113.9", {"Authorization": f"Bearer {TOKEN}"}, 401),
    ],
)
def test_figures_are_for_this_machine_only(store: Store, client: str, headers: dict[str, str], code: int) -> None:
    with TestClient(Starlette(routes=health.routes(store, lambda: NOW)), client=(client, 1)) as browser:
        assert browser.get("/metrics", headers=headers).status_code == code
        assert browser.get("/livez", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("header", "code"),
    [("", 401), (TOKEN, 401), (f"Bearer {TOKEN}", 200), (f"bearer {TOKEN}", 200), ("Bearer", 401), ("Bearer x", 401)],
)
def test_with_a_token_in_the_settings_figures_are_for_who_has_it(store: Store, header: str, code: int) -> None:
    with with_settings(store, metrics_token=TOKEN) as opened:
        for place in ("127.0.0.1", "203.0.113.9"):
            app = Starlette(routes=health.routes(opened, lambda: NOW))
            with TestClient(app, client=(place, 1)) as browser:
                assert browser.get("/metrics", headers={"Authorization": header}).status_code == code
