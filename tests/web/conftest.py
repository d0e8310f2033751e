"""A web door over a real record: a client, a clock that stands still unless it is moved, and tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.testclient import TestClient

from desk.mail.inbound_request import InboundRequest, from_json
from gateway.web.app import routes
from gateway.web.request_context import Limits
from storage.access import api_tokens
from storage.open_store import Store
from storage.people import people
from storage.tables.tickets import inbound

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LIMITS = Limits(bytes=300_000, files=3, forms_per_peer=12, forms_per_address=6, wrong_tokens_per_peer_and_minute=5)
TYPED = {"name": "Carol", "email": "Carol@Customer.example.test", "subject": "Printer", "body": "It smokes.\r\nHelp!"}


@dataclass
class Web:
    """The door and what is behind it."""

    store: Store
    client: TestClient
    token: str
    now: list[datetime] = field(default_factory=list)

    def later(self, minutes: float) -> None:
        self.now[0] += timedelta(minutes=minutes)

    def form(self, client: TestClient | None = None) -> str:
        """The token of a fresh form page."""
        page = (client or self.client).get("/request").text
        found = re.search(r'name="token" value="([^"]+)"', page)
        assert found
        return found[1]

    def send(self, files: Any = None, **typed: str) -> Any:
        """Fill in a form and send it."""
        data = {"token": self.form()} | TYPED | typed
        return self.client.post("/request", data=data, files=files, follow_redirects=False)

    def post(self, body: Any, key: str | None = None, **headers: str) -> Any:
        """Hand a request to the API."""
        sent = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {}) | headers
        if isinstance(body, bytes):
            return self.client.post(
                "/api/v1/inbound", content=body, headers={"Content-Type": "application/json"} | sent
            )
        return self.client.post("/api/v1/inbound", json=body, headers=sent)

    def rows(self) -> list[Any]:
        with self.store.database.reading() as session:
            return list(session.execute(sa.select(inbound).order_by(inbound.c.id)))

    def requests(self) -> list[InboundRequest]:
        return [from_json(row.request) for row in self.rows()]


def make_token(store: Store, *scopes: str) -> str:
    with store.database.transaction() as session:
        return api_tokens.create(session, "a program", scopes or ("inbound",), START)


@pytest.fixture
def web(store: Store) -> Iterator[Web]:
    with store.database.transaction() as session:
        people.add_mailbox(session, "support@desk.example.test", "Support", None)
    now = [START]
    app = Starlette(routes=routes(store, store.settings, limits=LIMITS, clock=lambda: now[0]))
    with TestClient(app, client=("192.0.2.7", 4000)) as client:
        yield Web(store, client, make_token(store), now)
