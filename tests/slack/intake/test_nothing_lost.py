"""500 events with three redeliveries each, and a door that is killed: every message is in the ledger exactly once."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from desk.config.settings import Settings
from desk.mail.inbound_request import from_json
from gateway.slack import http
from gateway.slack.events import bolt_app
from gateway.slack.socket_mode import SocketMode
from storage.open_store import Store, open_store
from storage.tables.tickets import inbound
from tests.components import dies_with_us
from tests.slack import payloads
from tests.slack.fake_slack import BOT_TOKEN, FakeSlack
from tests.slack.serving import SIGNING_SECRET, Poster, now, served

pytestmark = pytest.mark.slow

EVENTS = 500


def test_500_events_by_http_delivered_four_times_make_500_rows(any_store: Store, slack: FakeSlack) -> None:
    settings = replace(any_store.settings, slack_bot_token=BOT_TOKEN, slack_api_url=slack.api_url)
    bodies = [_body(number) for number in range(EVENTS)]
    deliveries = [body for body in bodies for _ in range(4)]
    # Near its other copies, as retries are, so that copies meet in the database.
    for start in range(0, len(deliveries), 40):
        chunk = deliveries[start : start + 40]
        random.Random(start).shuffle(chunk)
        deliveries[start : start + 40] = chunk
    web = Starlette(routes=http.routes(bolt_app(any_store, settings, now), SIGNING_SECRET))
    with served(web) as port, ThreadPoolExecutor(8) as slacks:
        answers = Counter(slacks.map(Poster(port), deliveries))
    assert answers == {200: 4 * EVENTS}
    assert _rows(any_store) == {f"message {number}": 3 for number in range(EVENTS)}


def test_500_events_by_socket_delivered_four_times_make_500_rows(
    line: SocketMode, slack: FakeSlack, store: Store
) -> None:
    slack.socket.patience = 60
    for number in range(EVENTS):
        body = _body(number)
        for attempt in range(4):
            slack.socket.send(body, attempt)
    _wait(lambda: len(slack.socket.acked) == 4 * EVENTS)
    assert _rows(store) == {f"message {number}": 3 for number in range(EVENTS)}


@pytest.mark.parametrize("seed", [1, 2])
def test_a_door_killed_at_any_moment_has_written_down_all_that_it_acked(
    tmp_path: Path, sqlite_template: Path, seed: int
) -> None:
    folder = tmp_path / "killed"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "frontdesk.sqlite3")
    chance = random.Random(seed)
    waiting, acked = [_body(number) for number in range(120)], set[str]()
    for _ in range(3):
        with _door(folder) as (process, port), ThreadPoolExecutor(4) as slacks:
            posts = [slacks.submit(_acked, Poster(port), body) for body in waiting]
            most = chance.randrange(5, 40)
            _wait(partial(_so_many_done, posts, most))
            process.kill()
            acked |= {text for post in posts if (text := post.result())}
        waiting = [body for body in waiting if _said(body) not in acked]
        assert acked <= _texts(folder)
    with _door(folder) as (_, port):
        assert [Poster(port)(body) for body in waiting] == [200] * len(waiting)
    assert _texts(folder) == {f"message {number}" for number in range(120)}


def _so_many_done(posts: Sequence[Future[str]], most: int) -> bool:
    return sum(post.done() for post in posts) >= most


def _body(number: int) -> dict[str, Any]:
    """Every third a mention in a channel, the others direct messages, of two people."""
    user = ("U0ANN", "U0BEN")[number % 2]
    make = payloads.mention if number % 3 == 0 else payloads.direct
    return make(f"message {number}", user=user, at=payloads.ts(10_000 + number))


def _said(body: dict[str, Any]) -> str:
    return str(body["event"]["text"]).replace(f"<@{payloads.BOT_USER}> ", "")


def _acked(post: Poster, body: dict[str, Any]) -> str:
    """The text of a message that the door said it has; empty where it was killed before it could."""
    try:
        return _said(body) if post(body) == 200 else ""
    except (OSError, HTTPException):
        return ""


@contextmanager
def _door(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "tests.slack.intake.server_process", str(folder), SIGNING_SECRET]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=dies_with_us()) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def _rows(store: Store) -> dict[str, int]:
    """First words of each message → how many copies of it came after it."""
    with store.database.reading() as session:
        rows = session.execute(sa.select(inbound.c.request, inbound.c.repeats)).all()
    found = {from_json(row.request).subject: row.repeats for row in rows}
    assert len(found) == len(rows)
    return found


def _texts(folder: Path) -> set[str]:
    opened = open_store(Settings(data_dir=str(folder), secret_key="a key of a process that will be killed"))
    try:
        return set(_rows(opened))
    finally:
        opened.close()


def _wait(until: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.01)
