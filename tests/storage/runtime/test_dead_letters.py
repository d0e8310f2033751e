"""Jobs that the queue gave up are seen, enqueued again or thrown away; by command, and on a page for leads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dramatiq
import pytest
import redis
from dramatiq.middleware import Retries
from starlette.testclient import TestClient

import frontdesk
from console.routes import create_app
from console.web.health import routes
from storage.open_store import Store
from storage.runtime import dead_letters, logging_setup
from storage.runtime.queue import REQUESTS, broker, message
from tests.console.conftest import START, Browser, Console
from tests.console.fixtures_desk import furnish, promote


def give_up(url: str) -> None:
    """By Dramatiq itself: a job that fails and is not tried again."""
    made = broker(url, for_workers=True)
    made.add_middleware(Retries(max_retries=0))

    def fail(row_id: int) -> None:
        raise RuntimeError(f"secret words of ticket {row_id}")

    actor = dramatiq.Actor(fail, broker=made, actor_name="ingest", queue_name=REQUESTS, priority=0, options={})
    worker = dramatiq.Worker(made, worker_timeout=10, worker_threads=1)
    actor.send(7)
    worker.start()
    try:
        made.join(REQUESTS)
        worker.join()
    finally:
        worker.stop()


@pytest.fixture
def url(valkey: str) -> str:
    give_up(valkey)
    with redis.Redis.from_url(valkey) as client:
        client.zadd("dramatiq:frontdesk.XQ", {"junk": 1000.0})
        client.hset("dramatiq:frontdesk.XQ.msgs", "junk", b"\x80nothing")
    return valkey


def waiting(url: str) -> list[tuple[str, int]]:
    with redis.Redis.from_url(url) as client:
        found = [dramatiq.Message.decode(raw) for raw in client.hvals(f"dramatiq:{REQUESTS}.msgs")]  # type: ignore[union-attr]
    return [(one.actor_name, one.args[0]) for one in found]


def given_up(url: str) -> int:
    """Of all queues, that of earlier releases too."""
    return sum(depth.given_up for depth in dead_letters.depths(url))


def test_what_was_given_up_is_seen_without_its_words(url: str) -> None:
    job, junk = dead_letters.list_jobs(url)
    assert (job.actor, job.row_id) == ("ingest", 7)
    assert (junk.actor, junk.error) == ("", "cannot be read")
    assert "secret" not in str((job, junk))
    assert given_up(url) == 2


def test_it_is_enqueued_again_once_or_thrown_away(url: str) -> None:
    ids = [one.id for one in dead_letters.list_jobs(url)]
    assert dead_letters.retry(url, ids) == 1
    assert waiting(url) == [("ingest", 7)]
    assert [one.id for one in dead_letters.list_jobs(url)] == ["junk"]
    assert dead_letters.drop(url, ["junk", "other"]) == 1
    assert dead_letters.drop(url, []) == given_up(url) == 0


def test_a_queue_that_is_away_is_said_to_be(store: Store) -> None:
    for act in (dead_letters.list_jobs, dead_letters.depths):
        with pytest.raises(dead_letters.QueueUnavailable):
            act("redis://127.0.0.1:1")


def test_the_commands_list_rehearse_and_do(
    url: str, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging_setup, "configure_logging", lambda _settings: None)
    monkeypatch.setenv("FRONTDESK_DATA_DIR", str(Path(store.settings.data_dir)))
    monkeypatch.setenv("FRONTDESK_REDIS_URL", url)
    assert frontdesk.main(["queue", "dead", "--json"]) == 0
    assert [row["actor"] for row in json.loads(capsys.readouterr().out)] == ["ingest", ""]
    assert frontdesk.main(["queue", "drop"]) == 64
    assert frontdesk.main(["queue", "drop", "nobody"]) == 1
    assert frontdesk.main(["queue", "drop", "--all", "--dry-run"]) == 0 and given_up(url) == 2
    assert frontdesk.main(["queue", "drop", "--all"]) == 0 and given_up(url) == 0


@pytest.fixture
def console(url: str, store: Store) -> Iterator[tuple[Console, Browser, Browser]]:
    with_queue = replace(store, settings=replace(store.settings, redis_url=url))
    desk = Console(with_queue, furnish(with_queue, START))
    app = create_app(with_queue, with_queue.settings, clock=lambda: desk.now[0])
    with TestClient(app) as one, TestClient(app) as other:
        lead, agent = Browser(one), Browser(other)
        with with_queue.database.transaction() as session:
            promote(session, desk.things.bob, "lead")
            promote(session, desk.things.alice, "agent")
        lead.sign_in("bob")
        agent.sign_in()
        yield desk, lead, agent


def test_leads_act_on_the_page_and_others_only_see(console: tuple[Console, Browser, Browser], url: str) -> None:
    desk, lead, agent = console
    assert "cannot be read" in agent.get("/ledger/jobs").text and "Discard" not in agent.get("/ledger/jobs").text
    assert agent.press("/ledger/jobs/drop", "/ledger", id="junk").status_code == 403
    assert given_up(url) == 2
    assert lead.press("/ledger/jobs/drop", "/ledger/jobs", id="junk").headers["location"] == "/ledger/jobs?done=done"
    assert lead.press("/ledger/jobs/retry", "/ledger/jobs", id="").status_code == 303
    assert given_up(url) == 0 and ("ingest", 7) in waiting(url)
    assert "None. All is well." in lead.get("/ledger/jobs").text
    assert message("ingest", 7).args == (7,)
    from starlette.applications import Starlette

    health = Starlette(routes=routes(desk.store, lambda: START))
    with TestClient(health, client=("127.0.0.1", 1)) as client:
        assert "frontdesk_queue_given_up 0.0" in client.get("/metrics").text
