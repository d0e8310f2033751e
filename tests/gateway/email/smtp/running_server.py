"""A mail door that really listens, in a thread of its own, and a raw peer to talk to it byte by byte."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from gateway.email.smtp.server import SmtpServer
from gateway.email.smtp.types import Outcome, RawMail, SmtpSettings

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DOMAIN = "desk.test"
SETTINGS = SmtpSettings(hostname="mx.desk.test", smtp=("127.0.0.1:0",), lmtp=("127.0.0.1:0",))


class Store:
    """What stands in for the intake: keeps the mails, or does what the test wants it to."""

    def __init__(self) -> None:
        self.mails: list[RawMail] = []
        self.batches: list[int] = []
        self.instead: Callable[[Sequence[RawMail]], Sequence[Outcome]] | None = None

    def commit(self, mails: Sequence[RawMail]) -> Sequence[Outcome]:
        if self.instead is not None:
            return self.instead(mails)
        self.mails += mails
        self.batches.append(len(mails))
        return [Outcome.STORED] * len(mails)


class RunningDoor(AbstractContextManager["RunningDoor"]):
    """`with RunningDoor(settings) as door:` and it is open; afterwards it was stopped as the gateway stops it."""

    def __init__(self, settings: SmtpSettings = SETTINGS, clock: Callable[[], float] | None = None) -> None:
        self.store = Store()
        self.loop = asyncio.new_event_loop()
        more = {} if clock is None else {"clock": clock}
        self.door = SmtpServer(settings, self.store.commit, accepts, is_ours, now=lambda: NOW, **more)
        self._thread = threading.Thread(target=self.loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.door.start(), self.loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.door.stop(), self.loop).result(30)

    def address(self, protocol: str = "smtp") -> tuple[str, int]:
        host, _, port = self.door.addresses[protocol][0].rpartition(":")
        return host, int(port)

    def peer(self, protocol: str = "smtp", source: str = "127.0.0.1") -> Peer:
        return Peer(socket.create_connection(self.address(protocol), timeout=10, source_address=(source, 0)))


class Peer(AbstractContextManager["Peer"]):
    """A connection on which the test says every byte itself."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._file = connection.makefile("rb")

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self.socket.close()

    def send(self, wire: bytes) -> None:
        self.socket.sendall(wire)

    def reply(self) -> str:
        """The next whole reply; empty when the door has closed the connection."""
        lines = []
        while line := self._line():
            lines.append(line.rstrip("\r\n"))
            if line[3:4] != "-":
                break
        return "\n".join(lines)

    def say(self, command: str | bytes) -> str:
        wire = command.encode() if isinstance(command, str) else command
        self.send(wire + b"\r\n")
        return self.reply()

    def announce(self, *recipients: str, hello: str = "EHLO there.test") -> str:
        """Everything up to DATA; returns its reply."""
        self.reply()
        self.say(hello)
        self.say("MAIL FROM:<ann@there.test>")
        for recipient in recipients or ("help@desk.test",):
            self.say(f"RCPT TO:<{recipient}>")
        return self.say("DATA")

    def rest(self) -> list[str]:
        """All replies until the door closes."""
        replies = []
        while reply := self.reply():
            replies.append(reply)
        return replies

    def _line(self) -> str:
        try:
            return self._file.readline().decode()
        except ConnectionResetError:
            return ""


def accepts(address: str) -> bool:
    local, _, domain = address.lower().partition("@")
    return address == "postmaster" or (domain == DOMAIN and local.partition("+")[0] in ("help", "sales", "hélp"))


def is_ours(domain: str) -> bool:
    return domain == DOMAIN
