"""A console over a furnished desk, and browsers that sign in to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from console.routes import create_app
from desk.tickets.ticket import Event, Message, Ticket
from storage.open_store import Store
from storage.tickets import tickets
from tests.console.fixtures_desk import PASSWORD, Furnished, furnish

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_VERSION = re.compile(r'name="version" value="([^"]+)"')
_SEEN = re.compile(r'name="seen" value="([^"]+)"')


@dataclass
class Browser:
    """Somebody with a browser of their own."""

    client: TestClient

    def sign_in(self, name: str = "alice", password: str = PASSWORD, where: str = "", **headers: str) -> Any:
        page = self.client.get("/login", params={"next": where} if where else {}).text
        fields = {"csrf": csrf(page), "address": f"{name}@corp.example.test", "password": password, "next": where}
        return self.client.post("/login", data=fields, headers=headers, follow_redirects=False)

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(path, follow_redirects=False, **options)

    def page(self, ticket: int) -> dict[str, str]:
        """What the forms of the ticket page carry."""
        text = self.get(f"/tickets/{ticket}").text
        found = (_CSRF.search(text), _VERSION.search(text), _SEEN.search(text))
        return {name: one[1] for name, one in zip(("csrf", "version", "seen"), found, strict=True) if one}

    def act(self, ticket: int, verb: str, page: dict[str, str] | None = None, /, **fields: str) -> Any:
        data = (page or self.page(ticket)) | fields
        return self.client.post(f"/tickets/{ticket}/{verb}", data=data, follow_redirects=False)

    def press(self, path: str, from_page: str, **fields: str) -> Any:
        """Send a form of a page that has no version."""
        data = {"csrf": csrf(self.get(from_page).text)} | fields
        return self.client.post(path, data=data, follow_redirects=False)


@dataclass
class Console:
    """The console and what is behind it."""

    store: Store
    things: Furnished
    now: list[datetime] = field(default_factory=lambda: [START])

    def later(self, **delta: float) -> None:
        self.now[0] += timedelta(**delta)

    def ticket(self, number: int | None = None) -> Ticket:
        with self.store.database.reading() as session:
            found = tickets.get(session, number or self.things.ticket)
        assert found
        return found

    def messages(self, number: int | None = None) -> list[Message]:
        with self.store.database.reading() as session:
            return tickets.messages_of(session, number or self.things.ticket)

    def events(self, number: int | None = None) -> list[Event]:
        with self.store.database.reading() as session:
            return tickets.history(session, number or self.things.ticket)


def csrf(page: str) -> str:
    found = _CSRF.search(page)
    assert found
    return found[1]


@pytest.fixture
def console(store: Store) -> Console:
    return Console(store, furnish(store, START))


@pytest.fixture
def app(console: Console) -> Any:
    return create_app(console.store, console.store.settings, clock=lambda: console.now[0])


@pytest.fixture
def stranger(app: Any) -> Iterator[Browser]:
    """A browser that is not signed in."""
    with TestClient(app, client=("192.0.2.7", 4000)) as client:
        yield Browser(client)


@pytest.fixture
def alice(app: Any) -> Iterator[Browser]:
    with TestClient(app, client=("192.0.2.8", 4000)) as client:
        browser = Browser(client)
        assert browser.sign_in().status_code == 303
        yield browser


@pytest.fixture
def bob(app: Any) -> Iterator[Browser]:
    with TestClient(app, client=("192.0.2.9", 4000)) as client:
        browser = Browser(client)
        assert browser.sign_in("bob").status_code == 303
        yield browser


@pytest.fixture
def secure(console: Console) -> Iterator[Browser]:
    """The console as it is behind TLS."""
    settings = replace(console.store.settings, public_url="https://desk.example.test")
    app = create_app(console.store, settings, clock=lambda: console.now[0])
    with TestClient(app, base_url="https://desk.example.test") as client:
        yield Browser(client)
