"""A parser for the jail's tests: the mail itself says how it misbehaves."""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import resource
import time
from datetime import datetime
from typing import NamedTuple

from desk.channels import Channel
from desk.mail.inbound_request import Envelope, InboundRequest, Party, Unreadable


class Parsed(NamedTuple):
    request: InboundRequest
    files: tuple[tuple[str, bytes], ...]


def normalise(
    raw: bytes, envelope: Envelope, source: str, received_at: datetime, own_domains: frozenset[str] = frozenset()
) -> Parsed:
    for order, action in ACTIONS.items():
        if raw.startswith(order):
            action()
    if raw.startswith(b"write "):
        _write(raw.removeprefix(b"write ").decode())
    if raw.startswith(b"wait "):
        _wait_for(raw.removeprefix(b"wait "))
    text = raw.decode(errors="replace")
    if raw.startswith(b"environment"):
        text = repr(dict(os.environ))
    if raw.startswith(b"limits"):
        text = repr([resource.getrlimit(limit) for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE)])
    request = InboundRequest(
        channel=Channel.EMAIL,
        source=source,
        external_id="id@there.test",
        content_hash=hashlib.sha256(raw).hexdigest(),
        received_at=received_at,
        sender=Party(envelope.mail_from),
        text=text,
        envelope=envelope,
        fields=tuple((domain, "own") for domain in sorted(own_domains)),
    )
    files = tuple((f"file{n}", bytes([n]) * n * 50_000) for n in range(raw.count(b"attach")))
    return Parsed(request, files)


def _write(path: str) -> None:
    with open(path, "w") as file:
        file.write("out of the jail")


def _wait_for(path: bytes) -> None:
    while not os.path.exists(path):
        time.sleep(0.01)


def _refuse() -> None:
    raise Unreadable("too many parts")


def _spin() -> None:
    while True:
        pass


def _stall_in_c() -> None:
    re.match(r"(a+)+$", "a" * 60 + "b")


def _hang() -> None:
    os.read(os.pipe()[0], 1)


def _grow() -> None:
    hoard = []
    while True:
        hoard.append(bytearray(100_000_000))


def _crash() -> None:
    ctypes.string_at(0)


def _fault() -> None:
    raise KeyError("a secret of the mail")


def _chatter() -> None:
    print("libraries print things")  # noqa: T201


ACTIONS = {
    b"refuse": _refuse,
    b"spin": _spin,
    b"stall": _stall_in_c,
    b"hang": _hang,
    b"grow": _grow,
    b"crash": _crash,
    b"fault": _fault,
    b"chatter": _chatter,
}
