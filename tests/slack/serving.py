"""A web server in a thread, and somebody who posts to it as Slack does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any

import uvicorn
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette

from gateway.slack import http
from tests.slack.payloads import as_bytes

SIGNING_SECRET = "a signing secret of these tests"
PATIENCE = 10
"""Slack itself waits three seconds; machines that run tests may be busier than those that run a desk."""


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
        made = signature_of(moment, content) if signature is None else signature
        sent = {"content-type": kind, "x-slack-request-timestamp": moment} | (headers or {})
        if made:
            sent["x-slack-signature"] = made
        return self.answer(content, sent)[0]

    def signed(self, content: bytes, kind: str) -> tuple[int, bytes]:
        """Status and body of the answer to bytes with a genuine signature."""
        moment = str(int(now().timestamp()))
        signature = signature_of(moment, content)
        headers = {"content-type": kind, "x-slack-request-timestamp": moment, "x-slack-signature": signature}
        return self.answer(content, headers)

    def answer(self, content: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and body of the desk's answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
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


def signature_of(at: str, content: bytes, secret: str = SIGNING_SECRET) -> str:
    """The header X-Slack-Signature for a body that is sent at that moment (Unix seconds)."""
    return SignatureVerifier(secret).generate_signature(timestamp=at, body=content) or ""


def now() -> datetime:
    return datetime.now(UTC)
