"""A fast SMTP client with many sessions, run in a process of its own, so that its cost is not taken for the server's.

It takes an address and mails, and returns when it began and ended, and what was refused. One command at a time, as
most senders do.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.mails import MAILBOX

PATIENCE = 300.0

Letter = tuple[str, bytes]
"""Envelope sender and content."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How it went, in seconds of the clock that all processes of a machine share."""

    began: float
    ended: float
    accepted: int
    refused: dict[str, int]

    @property
    def seconds(self) -> float:
        return self.ended - self.began


def send(address: str, letters: Sequence[Letter], sessions: int, *, kept: bool) -> Sent:
    """Send all, `sessions` at a time. `kept` connections carry mail after mail; others carry one, like most."""
    host, _, port = address.rpartition(":")
    return asyncio.run(_send(host, int(port), [_dotted(letter) for letter in letters], sessions, kept))


async def _send(host: str, port: int, letters: list[Letter], sessions: int, kept: bool) -> Sent:
    rest, answers = iter(letters), Counter[str]()
    began = time.monotonic()
    await asyncio.gather(*(_session(host, port, rest, answers, kept) for _ in range(sessions)))
    ended = time.monotonic()
    accepted = answers.pop("250", 0)
    return Sent(began, ended, accepted, dict(answers))


async def _session(host: str, port: int, rest: Iterator[Letter], answers: Counter[str], kept: bool) -> None:
    loop = asyncio.get_running_loop()
    for letter in rest:
        done: asyncio.Future[None] = loop.create_future()
        mine = _with_more(letter, rest) if kept else iter((letter,))
        transport, _ = await loop.create_connection(partial(_Line, mine, answers, done), host, port)
        await asyncio.wait_for(done, PATIENCE)
        transport.close()


def _with_more(first: Letter, rest: Iterator[Letter]) -> Iterator[Letter]:
    yield first
    yield from rest


class _Line(asyncio.Protocol):
    """One connection: each reply of the server brings the next command."""

    transport: asyncio.Transport

    def __init__(self, letters: Iterator[Letter], answers: Counter[str], done: asyncio.Future[None]) -> None:
        self._script = self._commands(letters, answers)
        self._reply = b""
        self._done = done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        next(self._script)

    def data_received(self, data: bytes) -> None:
        self._reply += data
        last = self._reply[self._reply.rfind(b"\n", 0, -1) + 1 :]
        if not self._reply.endswith(b"\n") or last[3:4] == b"-":
            return
        code, self._reply = last[:3].decode(), b""
        try:
            self.transport.write(self._script.send(code))
        except StopIteration:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish()

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _commands(self, letters: Iterator[Letter], answers: Counter[str]) -> Generator[bytes, str, None]:
        """Yields commands and is sent the code of each reply."""
        yield b""
        code = yield b"EHLO sender.example\r\n"
        for sender, content in letters:
            code = yield f"MAIL FROM:<{sender}>\r\n".encode()
            code = (yield f"RCPT TO:<{MAILBOX}>\r\n".encode()) if code == "250" else code
            code = (yield b"DATA\r\n") if code == "250" else code
            if code == "354":
                code = yield content
            answers[code] += 1
        yield b"QUIT\r\n"


def _dotted(letter: Letter) -> Letter:
    sender, content = letter
    return sender, content.replace(b"\r\n.", b"\r\n..").rstrip(b"\r\n") + b"\r\n.\r\n"
