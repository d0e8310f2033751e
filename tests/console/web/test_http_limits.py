"""The web server under clients that send half, nothing, or more connections than there are places."""

from __future__ import annotations

import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from console.web import http_protocol
from console.web.connection_limit import ConnectionLimit, connection_limit_for
from console.web.http_protocol import Phase
from console.web.server import WebServer
from desk.config.settings import Settings
from tests.gateway.email.imap.imap_desk import until

HALF_HEAD = b"POST /request HTTP/1.1\r\nHost: desk\r\nX-Slow: "
HALF_BODY = b"POST /whole HTTP/1.1\r\nHost: desk\r\nContent-Length: 1000\r\n\r\nhalf"
GET = b"GET / HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n\r\n"


class Server:
    """A small application behind our web server."""

    def __init__(self, places: ConnectionLimit) -> None:
        self.places, self.began, self.go_on = places, threading.Event(), threading.Event()
        self.ended: list[str] = []
        routes = [Route("/", self.short), Route("/slow", self.slow), Route("/large", self.large)]
        routes.append(Route("/whole", self.whole, methods=["POST"]))
        self.pages = WebServer(Starlette(routes=routes), "127.0.0.1", 0, places)
        self.port = int(self.pages.address.rpartition(":")[2])

    async def short(self, _request: Request) -> Response:
        return PlainTextResponse("well")

    def slow(self, _request: Request) -> Response:
        self.began.set()
        self.go_on.wait(20)
        return PlainTextResponse("late but well")

    async def large(self, _request: Request) -> Response:
        return PlainTextResponse("x" * 60_000_000)

    async def whole(self, request: Request) -> Response:
        try:
            await request.body()
        except ClientDisconnect:
            self.ended.append("left")
            raise
        return PlainTextResponse("read")

    def open(self, first: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        connection.sendall(first)
        return connection


@contextmanager
def serving(places: ConnectionLimit | None = None) -> Iterator[Server]:
    server = Server(places or ConnectionLimit())
    with server.pages.beside():
        yield server


def answer(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    content = b""
    with connection:
        while piece := connection.recv(65536):
            content += piece
    return content


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines that pass while a test waits for what they bring."""
    monkeypatch.setattr(http_protocol, "_DEADLINES", {Phase.HEAD: 0.05, Phase.BODY: 0.05})
    monkeypatch.setattr(http_protocol, "UNREAD_SECONDS", 0.05)


@pytest.mark.parametrize("half", [HALF_HEAD, b"", HALF_BODY], ids=["head", "nothing", "body"])
def test_three_hundred_half_open_requests_keep_nobody_out(half: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "STALLED_SECONDS", -1.0)
    with serving(ConnectionLimit(50)) as server, ExitStack() as open_ones:
        for _ in range(300):
            open_ones.enter_context(server.open(half))
        assert answer(server.open(GET)).endswith(b"well")


def test_a_head_that_does_not_come_is_answered_408(hurried: None) -> None:
    with serving() as server:
        assert answer(server.open(HALF_HEAD)).startswith(b"HTTP/1.1 408 ")


def test_the_head_of_a_second_request_has_a_deadline_too(hurried: None) -> None:
    with serving() as server:
        content = answer(server.open(b"GET / HTTP/1.1\r\nHost: desk\r\n\r\n" + HALF_HEAD))
    assert content.startswith(b"HTTP/1.1 200 ") and b"HTTP/1.1 408 " in content


def test_a_body_that_does_not_come_is_answered_408_and_the_page_hears_that_the_client_left(hurried: None) -> None:
    with serving() as server:
        assert answer(server.open(HALF_BODY)).startswith(b"HTTP/1.1 408 ")
        until(lambda: server.ended == ["left"])


def test_an_answer_that_nobody_reads_is_given_up(hurried: None) -> None:
    places = ConnectionLimit()
    with serving(places) as server, server.open(GET.replace(b"/ ", b"/large ", 1)):
        until(lambda: bool(places._held))
        until(lambda: not places._held)


def test_who_is_being_answered_keeps_the_place() -> None:
    with serving(ConnectionLimit(1)) as server:
        first = server.open(GET.replace(b"/ ", b"/slow ", 1))
        assert server.began.wait(20)
        refused = answer(server.open())
        server.go_on.set()
        assert answer(first).endswith(b"late but well")
    assert refused.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 5" in refused


def test_places_come_back(hurried: None) -> None:
    places = ConnectionLimit(3)
    with serving(places) as server:
        for _ in range(20):
            assert answer(server.open(GET)).endswith(b"well")
        until(lambda: not places._held and not places._by_group)


@dataclass(eq=False)
class Fake:
    """A connection as the places see it."""

    address: str
    waits_since: float | None = None
    evicted: list[int] = field(default_factory=list)

    def evict(self) -> None:
        self.evicted.append(1)


def taken(places: ConnectionLimit, *connections: Any) -> list[bool]:
    return [places.take(one) for one in connections]


def test_one_address_has_its_own_limit_and_others_do_not_feel_it() -> None:
    places = ConnectionLimit(10, 2)
    busy = [Fake("198.51.100.1") for _ in range(3)]
    assert taken(places, *busy, Fake("198.51.100.2")) == [True, True, False, True]
    places.leave(busy[0])
    assert places.take(busy[2])


def test_an_address_makes_place_among_its_own_first() -> None:
    places = ConnectionLimit(10, 2)
    mine, theirs = [Fake("198.51.100.1", at) for at in (2.0, 1.0)], Fake("198.51.100.2", 0.0)
    assert taken(places, *mine, theirs, Fake("198.51.100.1")) == [True] * 4
    assert [len(one.evicted) for one in (*mine, theirs)] == [0, 1, 0]


def test_when_all_places_are_taken_the_address_with_most_of_them_gives_one() -> None:
    places = ConnectionLimit(3, 5)
    many, single = [Fake("198.51.100.1", at) for at in (5.0, 4.0)], Fake("198.51.100.2", 0.0)
    assert taken(places, single, *many, Fake("198.51.100.3")) == [True] * 4
    assert [len(one.evicted) for one in (single, *many)] == [0, 0, 1]


def test_a_network_of_ipv6_is_one_address_and_our_proxies_are_none() -> None:
    places = ConnectionLimit(10, 1, ("10.0.0.0/8",))
    assert taken(places, Fake("2001:db8::1"), Fake("2001:db8::2"), Fake("2001:db8:0:1::1")) == [True, False, True]
    assert taken(places, Fake("10.0.0.1"), Fake("10.0.0.1"), Fake("::ffff:10.0.0.1")) == [True] * 3


def test_half_of_the_files_of_the_process_stay_for_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (64, 64))
    assert connection_limit_for(Settings())._most == 32
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (65536, 65536))
    assert (
        connection_limit_for(Settings())._most == 1000 and connection_limit_for(Settings(http_connections=7))._most == 7
    )
