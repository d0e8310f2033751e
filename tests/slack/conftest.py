"""A fake Slack, a desk's door in both modes, and what the ledger holds."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any

import pytest
import sqlalchemy as sa
import uvicorn
from slack_bolt import App
from starlette.applications import Starlette

from desk.request import InboundRequest, from_json
from desk.settings import Settings
from gateway.slack import http
from gateway.slack.door import bolt_app
from gateway.slack.signature import signature_of
from gateway.slack.socket_mode import SocketMode
from storage.store import Store
from storage.tables import inbound
from tests.slack.fake_slack import APP_TOKEN, BOT_TOKEN, FakeSlack
from tests.slack.payloads import as_bytes

SIGNING_SECRET = "a signing secret of these tests"


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as server:
        yield server


@pytest.fixture
def slack_settings(store: Store, slack: FakeSlack) -> Settings:
    return replace(
        store.settings,
        slack_bot_token=BOT_TOKEN,
        slack_app_token=APP_TOKEN,
        slack_signing_secret=SIGNING_SECRET,
        slack_api_url=slack.api_url,
    )


@pytest.fixture
def app(store: Store, slack_settings: Settings) -> App:
    return bolt_app(store, slack_settings, now)


@pytest.fixture
def post(app: App) -> Iterator[Poster]:
    """The signed mode behind a real web server."""
    with served(Starlette(routes=http.routes(app, SIGNING_SECRET, now))) as port:
        yield Poster(port)


@contextmanager
def served(web: Starlette) -> Iterator[int]:
    """The port of a web server that runs in a thread."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(web, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


@pytest.fixture
def line(app: App, slack_settings: Settings, slack: FakeSlack) -> Iterator[SocketMode]:
    """A Socket Mode line that stands."""
    mode = SocketMode(app, slack_settings, ping_seconds=0.2)
    mode.start()
    slack.socket.wait_for_hello(1)
    yield mode
    mode.close()


@pytest.fixture
def written(store: Store) -> Callable[[], list[InboundRequest]]:
    """The requests in the ledger, oldest first."""

    def read() -> list[InboundRequest]:
        with store.database.reading() as session:
            rows = session.execute(sa.select(inbound.c.request).order_by(inbound.c.id)).scalars()
            return [from_json(row) for row in rows]

    return read


@dataclass
class Poster:
    """Posts to the desk as Slack does."""

    port: int

    def __call__(self, body: dict[str, Any], headers: dict[str, str] | None = None) -> int:
        content, kind = as_bytes(body)
        return self.raw(content, kind, headers=headers)

    def raw(
        self,
        content: bytes,
        kind: str = "application/json",
        *,
        at: str | None = None,
        signature: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> int:
        """Bytes with a genuine signature, unless another is given ("" for none)."""
        moment = str(int(now().timestamp())) if at is None else at
        made = signature_of(SIGNING_SECRET, moment, content) if signature is None else signature
        sent = {"content-type": kind, "x-slack-request-timestamp": moment} | (headers or {})
        if made:
            sent["x-slack-signature"] = made
        return self.answer(content, sent)[0]

    def answer(self, content: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and body of the desk's answer; Slack waits three seconds."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=3)
        try:
            connection.request("POST", http.PATH, content, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def delivered(self, body: dict[str, Any], retries: int = 3) -> list[int]:
        """The same event again and again, as Slack does when it hears no answer."""
        again = [{"x-slack-retry-num": str(n), "x-slack-retry-reason": "http_timeout"} for n in range(1, retries + 1)]
        return [self(body, headers) for headers in ({}, *again)]


def now() -> datetime:
    return datetime.now(UTC)
