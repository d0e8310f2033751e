"""Health: each dependency's truth, within seconds, and numbers without names."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from console.web import health
from console.web.server import WebServer
from storage.learning import models
from storage.learning.models import Model
from storage.mail import imap_folders, inbound
from storage.mail.inbound import Arrival
from storage.open_store import Store, open_store
from storage.people import people
from storage.runtime import failures, heartbeats, locks
from storage.runtime.queue import QUEUES

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NOWHERE = "postgresql://desk:hunter2@127.0.0.1:1/desk"


@contextmanager
def asked(store: Store) -> Iterator[str]:
    """The address of this record's health."""
    pages = WebServer(Starlette(routes=health.routes(store, lambda: NOW)), "127.0.0.1", 0)
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
    """A scheduler holds the lease, and a worker takes all queues."""
    with store.database.transaction() as session:
        locks.acquire(session, "clock", "somebody", NOW, timedelta(seconds=10))
        heartbeats.record_heartbeat(
            session, "w", heartbeats.WORKER, NOW, {"queues": list(QUEUES), "silent": [], "ended": 0}
        )


def beats(store: Store, kind: str, data: dict[str, Any], at: datetime = NOW) -> None:
    with store.database.transaction() as session:
        heartbeats.record_heartbeat(session, kind, kind, at, data)


def ready(store: Store) -> dict[str, Any]:
    with asked(store) as url:
        code, body = get(f"{url}/readyz")
    assert code == 200, "requests are still written down"
    found: dict[str, Any] = json.loads(body)
    return found


def test_an_address_longer_than_any_page_is_refused_before_anybody_reads_numbers_in_it(store: Store) -> None:
    with asked(store) as url:
        assert get(f"{url}/tickets/{'9' * 5_000}")[0] == 414


def test_all_is_well(any_store: Store, valkey: str) -> None:
    clock_runs(any_store)
    with with_settings(any_store, redis_url=valkey) as store, asked(store) as url:
        code, body = get(f"{url}/readyz")
    assert code == 200
    parts = ("status", "database", "clock", "model", "queue", "disk", "workers", "sandbox", "imap")
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


def test_without_a_database_it_is_not_ready_but_alive_and_says_so(store: Store) -> None:
    with with_settings(store, database_url=NOWHERE) as other, asked(other) as url:
        code, body = get(f"{url}/readyz")
        assert (code, json.loads(body)["database"]) == (503, "down")
        assert get(f"{url}/livez")[0] == 200
        code, numbers = get(f"{url}/metrics")
    assert code == 200
    assert 'frontdesk_dependency_up{dependency="database"} 0.0' in numbers
    assert "hunter2" not in body + numbers


def imap_mailbox(store: Store, address: str) -> int:
    imap = {"host": "imap.example.test", "user": "desk", "password_env": "X"}
    with store.database.transaction() as session:
        return people.add_mailbox(session, address, "", None, imap).id


def test_a_mailbox_that_cannot_be_fetched_degrades_and_is_named_by_its_number(any_store: Store) -> None:
    failing, fine = (imap_mailbox(any_store, f"{name}@desk.example.test") for name in ("it", "hr"))
    with any_store.database.transaction() as session:
        imap_folders.record_failure(
            session, failing, "INBOX", "hr@desk.example.test: no such user", NOW - timedelta(hours=1)
        )
        imap_folders.record_success(session, fine, "INBOX", 5.0, NOW)
    with asked(any_store) as url:
        code, body = get(f"{url}/readyz")
        numbers = get(f"{url}/metrics")[1]
    found = json.loads(body)
    trouble = [{"mailbox": failing, "folder": "INBOX", "state": "failing", "lag_seconds": 3600.0}]
    assert (code, found["imap"], found["imap_trouble"]) == (200, "degraded", trouble)
    assert "example.test" not in body
    assert f'frontdesk_imap_lag_seconds{{folder="INBOX",mailbox="{failing}"}} 3600.0' in numbers
    assert 'frontdesk_dependency_up{dependency="imap"} 0.0' in numbers


def test_a_mailbox_that_is_far_behind_degrades_too(store: Store) -> None:
    box = imap_mailbox(store, "it@desk.example.test")
    with store.database.transaction() as session:
        imap_folders.record_success(session, box, "INBOX", 601.0, NOW)
    with asked(store) as url:
        found = json.loads(get(f"{url}/readyz")[1])
    assert found["imap_trouble"] == [{"mailbox": box, "folder": "INBOX", "state": "behind", "lag_seconds": 601.0}]


def test_the_lag_of_a_mailbox_that_was_never_fetched_is_a_number(store: Store) -> None:
    box = imap_mailbox(store, "it@desk.example.test")
    with asked(store) as url:
        numbers = get(f"{url}/metrics")[1]
    assert "NaN" not in numbers
    assert f'frontdesk_imap_lag_seconds{{folder="INBOX",mailbox="{box}"}} 0.0' in numbers


def test_the_numbers_are_those_of_the_ledger_and_name_nobody(any_store: Store) -> None:
    imap = {"host": "imap.example.test", "user": "desk", "password_env": "X"}
    with any_store.database.transaction() as session:
        inbound.store(session, [Arrival("email", "support@desk.example.test", "1", "h1", NOW, "{}")])
        inbound.store(session, [Arrival("email", "ada@example.test", "2", "h2", NOW, quarantine="secret word")])
        box = people.add_mailbox(session, "it@desk.example.test", "", None, imap)
        imap_folders.record_success(session, box.id, "INBOX", 12.0, NOW)
    with asked(any_store) as url:
        numbers = get(f"{url}/metrics")[1]
    assert 'frontdesk_inbound{state="quarantined"} 1.0' in numbers
    assert "frontdesk_inbound_unsettled 1.0" in numbers
    assert f'frontdesk_imap_lag_seconds{{folder="INBOX",mailbox="{box.id}"}} 12.0' in numbers
    assert "example.test" not in numbers
    assert "secret" not in numbers


def test_a_lease_from_the_far_future_is_no_scheduler_that_works(store: Store) -> None:
    clock_runs(store)
    with store.database.transaction() as session:
        assert locks.acquire(session, "clock", "somebody", NOW + timedelta(hours=5), timedelta(seconds=10))
    assert ready(store)["clock"] == "degraded"
    with store.database.transaction() as session:
        assert locks.acquire(session, "clock", "another", NOW, timedelta(seconds=10)), "it holds nobody off"


def test_a_look_that_the_scheduler_cannot_take_is_named(store: Store) -> None:
    clock_runs(store)
    beats(store, heartbeats.SCHEDULER, {"failing": {"lifecycle": "KeyError at lifecycle.py:3"}})
    found = ready(store)
    assert found["clock"] == "degraded"
    assert found["failing"] == ["scheduler: lifecycle (KeyError at lifecycle.py:3)"]


def test_a_queue_that_no_worker_takes_is_named(store: Store) -> None:
    clock_runs(store)
    with store.database.transaction() as session:
        heartbeats.record_heartbeat(session, "w", heartbeats.WORKER, NOW, {"queues": ["requests", "events"]})
    found = ready(store)
    assert found["workers"] == "degraded"
    nobody = [f"queue {name}: no worker takes it" for name in ("outbound", "timers", "training")]
    assert found["failing"] == nobody


def test_a_consumer_that_is_silent_and_threads_that_ended_are_named(store: Store) -> None:
    clock_runs(store)
    with store.database.transaction() as session:
        said = {"queues": list(QUEUES), "silent": ["requests.DQ"], "ended": 2}
        heartbeats.record_heartbeat(session, "w", heartbeats.WORKER, NOW, said)
    found = ready(store)
    assert found["workers"] == "degraded"
    assert found["failing"] == ["queue requests.DQ: a consumer is silent", "workers: 2 threads have ended"]


def test_a_worker_that_says_nothing_any_more_is_missed(store: Store) -> None:
    clock_runs(store)
    with store.database.transaction() as session:
        heartbeats.record_heartbeat(
            session, "w", heartbeats.WORKER, NOW - timedelta(minutes=1), {"queues": list(QUEUES)}
        )
    assert ready(store)["workers"] == "degraded"


def test_a_sandbox_whose_processes_do_not_start_is_named(store: Store) -> None:
    clock_runs(store)
    beats(store, heartbeats.GATEWAY, {"sandbox": "the parser died"})
    found = ready(store)
    assert (found["sandbox"], found["failing"]) == ("degraded", ["sandbox: the parser died"])


def test_the_numbers_know_the_queues_and_what_was_given_up(store: Store, valkey: str) -> None:
    with store.database.transaction() as session:
        failures.record(session, "events", 7, "Bug", NOW, last=True)
    with with_settings(store, redis_url=valkey) as other, asked(other) as url:
        numbers = get(f"{url}/metrics")[1]
    assert 'frontdesk_failed_rows{job="events"} 1.0' in numbers
    assert all(f'frontdesk_queue_messages{{queue="{name}"}} 0.0' in numbers for name in QUEUES)


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
    ("changes", "code"),
    [
        ({"public_url": "https://help.example.com"}, 401),
        ({"public_url": "http://203.0.113.9:8025"}, 401),
        ({"trusted_proxies": ("127.0.0.1",)}, 401),
        ({"public_url": "http://localhost:8025"}, 200),
        ({"public_url": "http://127.0.0.1:8025"}, 200),
    ],
)
def test_where_a_proxy_without_headers_may_stand_figures_need_the_token(
    store: Store, changes: dict[str, Any], code: int
) -> None:
    with with_settings(store, **changes) as opened:
        app = Starlette(routes=health.routes(opened, lambda: NOW))
        with TestClient(app, client=("127.0.0.1", 1)) as browser:
            assert browser.get("/metrics").status_code == code
    with with_settings(store, **changes, metrics_token=TOKEN) as opened:
        app = Starlette(routes=health.routes(opened, lambda: NOW))
        with TestClient(app, client=("127.0.0.1", 1)) as browser:
            assert browser.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


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
