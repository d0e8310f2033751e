"""Odd values posted to every route of all three web applications: no answer is a fault of ours.

The routes are walked as the applications have them. Which names a route reads is learned by watching it read; then
each of them gets values that nobody means. A database is furnished once for all routes: what one request breaks, the
next one meets.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.datastructures import ImmutableMultiDict
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

import console.web.api_writing
import console.web.request_context
import gateway.web.api
import gateway.web.body
from cli.process import processes
from console.access import passwords
from console.web import health
from console.web.clean_requests import with_clean_requests
from desk.portal.status_links import entry_token, receipt_token, status_token
from desk.signed.reply_address import sign
from desk.web.clean_input import read_json
from desk.web.rate_limit import Pace
from storage.access import api_tokens
from storage.access.api_tokens import SCOPES
from storage.knowledge import csat
from storage.open_store import Store
from storage.people import agent_sessions as sessions
from storage.people import people
from storage.tickets import tickets
from tests.console.fixtures_desk import furnish, promote
from usecases.tickets import requester_view

pytestmark = pytest.mark.slow

ODD = (
    "", " ", "²", "٣", "½", "-1", "0", "1", "2", "1.5", "1e999", "NaN", "0x1F", "9" * 19, str(2**63), "9" * 5000,
    "true", "null", "\0", "a\0b", "\ud800", "\udfff x", "\U0001f642", "\u202e", "ß", "İ", "\r\nX: y", "'", '"', "%",
    "_", "\\", "*", "NEAR(", "../../etc/passwd",
    "=1", "<b>", "{name}", "{", "{}}", "%s", "[]", "{}", "[1", "[{}]", "[[1]]",
    "(" * 5000, "[" * 5000, '{"a":' * 500, "{ any = [" * 500, "9999-12-31", "0001-01-01", "2026-02-30", "2026-13-01",
    "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-14:00", "99:99", "24:00", "10000d", "9999d", "0d", "week",
    "9999-12", "nobody@example.test", "a@b@c", "@", "x" * 70_000, "Etc/GMT+12", "Mars/Base", "slack:T1:U1", "resolved",
    "closed", "open", "urgent", "reply", "note", "tomorrow", "custom", "all", "none", "me", "admin", "1,2", "1-2",
    "1:2",
)  # fmt: skip
TREES = st.recursive(
    st.sampled_from(ODD) | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(ODD[:40]), inner, max_size=2),
    max_leaves=4,
)
PLAIN = "1"
PARTS = 4
AGENT = "alice@corp.example.test"
HEADERS = ("Accept-Language", "X-Forwarded-For", "Idempotency-Key", "If-None-Match", "Range", "Origin", "Referer",
           "Authorization", "Content-Length", "X-Slack-Request-Timestamp", "X-Slack-Signature")  # fmt: skip
ODD_HEADERS = (
    "",
    " ",
    "-1",
    "9" * 400,
    "null",
    "bytes=5-1",
    "bytes=0-,0-",
    "de;q=x,*",
    "Bearer ",
    "\u00b2",
    "a,b,,",
    "v0=",
)
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_TOKEN = re.compile(r'name="token" value="([^"]+)"')
_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")


class Watched(dict[str, Any]):
    """Fields that remember which names were asked for."""

    asked: set[str] = set()  # noqa: RUF012 - one for the whole run, emptied by who watches

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)


@dataclass
class Desk:
    """One furnished desk, and what opens its doors."""

    store: Store
    agent_id: int
    links: Mapping[str, str]
    api_token: str

    def cookie(self) -> str:
        """A new session of an admin: earlier requests may have ended all others, or changed the role."""
        with self.store.database.transaction() as session:
            people.set_active(session, self.agent_id, active=True)
            promote(session, self.agent_id, "admin")
            agent = people.by_ids(session, [self.agent_id])[self.agent_id]
            return sessions.begin(session, agent, datetime.now(UTC))

    def version(self) -> str:
        """What the page of the ticket says now."""
        with self.store.database.reading() as session:
            ticket = tickets.get(session, 1)
        return str(ticket.version) if ticket else PLAIN


@dataclass(frozen=True)
class Asked:
    """One request: what stands in its path, and the values of the names that the route reads."""

    path: Mapping[str, str]
    values: Mapping[str, Any]
    tree: Any
    headers: Mapping[str, str]


def applications(store: Store) -> list[Starlette]:
    doors = processes.door_routes(store)
    return [processes.console_pages(store, doors), processes.alone(doors), processes.alone(health.routes(store))]


def walked(app: Starlette) -> Iterator[tuple[str, str]]:
    """(method, path) of all that somebody may ask."""
    for route in app.routes:
        if isinstance(route, Mount):
            yield "GET", f"{route.path}/{{file:path}}"
        elif isinstance(route, Route):
            yield from ((method, route.path) for method in sorted(route.methods or {"GET"}) if method != "HEAD")


def send(desk: Desk, client: TestClient, method: str, path: str, asked: Asked) -> int:
    """The status of the answer."""
    cookie = desk.cookie()
    csrf = sign("csrf", cookie, desk.store.secret)
    given = {name: value.encode("latin-1") for name, value in asked.headers.items()}
    filled = _PARAMETER.sub(lambda found: quote(in_path(desk, found, asked), safe=""), path)
    head: dict[str, Any] = {**given, "Cookie": f"frontdesk={cookie}", "X-CSRF-Token": csrf}
    if path.startswith("/api/"):
        head = {"Authorization": f"Bearer {desk.api_token}", **head}
    values = {name: text(value) for name, value in asked.values.items()}
    query = urlencode(values, errors="surrogatepass") if method == "GET" else ""
    if path.startswith("/api/") and method != "GET":
        whole = {**asked.values, **(asked.tree if isinstance(asked.tree, dict) else {})}
        whole |= {"by": AGENT} if whole.get("by", PLAIN) == PLAIN else {}
        content = json.dumps({name: one for name, one in whole.items() if (name, one) != ("version", PLAIN)}).encode()
        return client.request(method, filled, content=content, headers=head | {"Content-Type": _JSON}).status_code
    if method == "GET":
        return client.get(f"{filled}?{query}"[:60_000], headers=head).status_code
    token = page_token(client, filled, head) or csrf
    form = {"kind": "reply", **values, "csrf": csrf, "token": token}
    if form.get("version", PLAIN) == PLAIN:
        form["version"] = desk.version()
    body = urlencode(form, errors="surrogatepass").encode()
    return client.request(method, filled, content=body, headers=head | {"Content-Type": _FORM}).status_code


def in_path(desk: Desk, found: re.Match[str], asked: Asked) -> str:
    name, kind = found[1], found[2]
    value = asked.path.get(name, "")
    if kind == "int":
        return value if value.isascii() and value.isdigit() else PLAIN
    if value == PLAIN or (not value and kind != "path"):
        return desk.links.get(name, PLAIN)
    return value.encode("utf-8", "replace").decode()[:1500]


def page_token(client: TestClient, path: str, head: Mapping[str, Any]) -> str:
    """The token of the requester's page that has the form."""
    if not path.startswith(("/request", "/status", "/my", "/help", "/rate")):
        return ""
    parent = path if path.startswith("/request") or path.count("/") < 3 else path.rpartition("/")[0]
    found = _TOKEN.search(client.get(parent, headers=dict(head)).text)
    return found[1] if found else ""


def text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@contextmanager
def watching(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Which names the pages ask for, of forms, queries and JSON."""
    names: set[str] = set()
    Watched.asked = names
    with monkeypatch.context() as patch:
        real = console.web.request_context.read_fields

        async def read_fields(request: Any) -> Any:
            return Watched(await real(request))

        for module in [one for one in sys.modules.values() if getattr(one, "read_fields", None) is real]:
            patch.setattr(module, "read_fields", read_fields)
        for module in (console.web.api_writing, gateway.web.api):
            patch.setattr(module, "read_json", lambda content: Watched(read_json(content)))
        posted = gateway.web.body._posted
        patch.setattr(gateway.web.body, "_posted", lambda data: replace(p := posted(data), texts=Watched(p.texts)))
        getter, item = ImmutableMultiDict.get, ImmutableMultiDict.__getitem__

        def get(self: Any, name: Any, default: Any = None) -> Any:
            names.add(str(name))
            return getter(self, name, default)

        def getitem(self: Any, name: Any) -> Any:
            names.add(str(name))
            return item(self, name)

        patch.setattr(ImmutableMultiDict, "get", get)
        patch.setattr(ImmutableMultiDict, "__getitem__", getitem)
        yield names


def names_of(desk: Desk, client: TestClient, method: str, path: str, patch: pytest.MonkeyPatch) -> list[str]:
    """The names that a route reads: asked with nothing, then with something under each name that it asked for."""
    known: set[str] = set()
    with watching(patch) as names:
        for _ in range(3):
            send(desk, client, method, path, Asked({}, dict.fromkeys(known, PLAIN), None, {}))
            known |= {name for name in names if len(name) < 40}
    return sorted(known - {"csrf", "token"})


@pytest.fixture
def desk(any_store: Store) -> Desk:
    now = datetime.now(UTC)
    things = furnish(any_store, now - timedelta(days=1))
    with any_store.database.transaction() as session:
        token = api_tokens.create(session, "odd", SCOPES, now)
    secret = any_store.secret
    with any_store.database.reading() as session:
        ticket = tickets.get(session, things.ticket)
        assert ticket and ticket.id == int(PLAIN)
        person = requester_view.requester(session, ticket.requester_id)
    assert person
    links = {
        "token": status_token(ticket.id, person.id, person.link_version, timedelta(days=9), secret, now),
        "entry": entry_token(person.id, person.link_version, secret, now),
        "receipt": receipt_token(1, secret, now),
        "rating": csat.make_token(1, secret),
    }
    return Desk(any_store, things.alice, links, token)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_value_makes_any_route_of_any_application_fail(
    desk: Desk, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    logging.disable(logging.CRITICAL)
    monkeypatch.setattr(Pace, "_wait", lambda *_: 0.0)
    monkeypatch.setattr(passwords, "verify_password", lambda *_: False)
    monkeypatch.setattr(passwords, "hash_password", lambda _: "x")
    faults: list[str] = []
    with ExitStack() as stack:
        for app in applications(desk.store):
            client = stack.enter_context(TestClient(with_clean_requests(app), raise_server_exceptions=False))
            client.follow_redirects = False
            for method, path in sorted(walked(app)):
                if zlib.crc32(f"{method} {path}".encode()) % PARTS == part:
                    faults += tried(desk, client, method, path, monkeypatch)
    assert faults == []


def tried(desk: Desk, client: TestClient, method: str, path: str, patch: pytest.MonkeyPatch) -> list[str]:
    """The first fault of a route, in as few odd values as hypothesis finds."""
    names = names_of(desk, client, method, path, patch)
    texts = st.sampled_from(ODD)
    values = texts | TREES if path.startswith("/api/") else texts
    odd = st.dictionaries(st.sampled_from(names), values, max_size=3) if names else st.just({})
    # Routes are the same on both databases; PostgreSQL refuses more, but each statement costs more.
    examples = 4 if "postgresql" in desk.store.database.url else 10
    parts = [found[0] for found in _PARAMETER.findall(path)]
    in_path = st.dictionaries(st.sampled_from(parts), texts, max_size=1) if parts else st.just({})
    headers = st.dictionaries(st.sampled_from(HEADERS), st.sampled_from(ODD_HEADERS), max_size=1)
    base = st.sampled_from([{}, dict.fromkeys(names, PLAIN)])

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(base, odd, in_path, headers, TREES)
    def is_no_fault(base: Any, odd: Any, in_path: Any, headers: Any, tree: Any) -> None:
        status = send(desk, client, method, path, Asked(in_path, {**base, **odd}, tree, headers))
        assert status < 500 or status == 503, f"{status}: {odd!r} {in_path!r} {headers!r} {tree!r}"[:600]

    try:
        is_no_fault()
    except AssertionError as error:
        return [f"{method} {path}: {str(error).splitlines()[0]}"]
    return []
