"""A request's id: in the answer, in the log, in the message that a worker gets; and nobody outside writes it."""

from __future__ import annotations

import logging
import urllib.request
from typing import Any

import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from console.web.server import WebServer
from storage.runtime import queue

PROXY = ("127.0.0.0/8",)


def _enqueues(_request: Request) -> Response:
    """What any page may do: log, and enqueue; in a thread, as pages do."""
    structlog.get_logger("test").warning("page_asked")
    return PlainTextResponse(str(queue.message("ingest", 1).options.get("request_id")))


def _ask(trusted: tuple[str, ...], given: str) -> tuple[str, str]:
    """The answer's id, and the one that the enqueued message carries."""
    pages = WebServer(Starlette(routes=[Route("/", _enqueues)]), "127.0.0.1", 0, trusted=trusted)
    with pages.beside():
        request = urllib.request.Request(f"http://{pages.address}/", headers={"X-Request-ID": given})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return str(answer.headers["X-Request-ID"]), answer.read().decode()


def test_an_id_of_a_trusted_proxy_is_taken_and_goes_into_the_message() -> None:
    assert _ask(PROXY, "proxy-7.a:b") == ("proxy-7.a:b", "proxy-7.a:b")


@pytest.mark.parametrize("given", ["x" * 65, "two words", "ä", "{}"])
def test_an_id_that_is_no_plain_word_is_replaced(given: str) -> None:
    answered, enqueued = _ask(PROXY, given)
    assert answered == enqueued != given and len(answered) == 16


def test_whoever_is_no_trusted_proxy_writes_no_id() -> None:
    answered, enqueued = _ask((), "mine")
    assert answered == enqueued != "mine"


def test_two_requests_have_two_ids_and_the_log_has_them(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        first, second = (_ask((), "x")[0] for _ in range(2))
    entries: Any = " ".join(record.getMessage() for record in caplog.records)
    assert first != second and first in entries and second in entries
