"""A sandbox worker: a process with limits that reads mails from standard input, parses them and writes the requests.

Mails and answers are frames: a JSON header and the raw mail in; `ok`, the request as JSON, name and bytes of each file
out, or `no` and the reason. The process cannot write files or a core dump, grow past its memory, or take long over a
mail. Run as `python -m gateway.email.sandbox.worker CONFIG`, by gateway/email/sandbox/process.py only.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, BinaryIO

from desk.mail.inbound_request import Envelope, Unreadable, to_json
from gateway.email.sandbox import frames

OUT_OF_MEMORY = 3
"""The exit status that says so."""

_LINGER = 0.02


def main() -> None:
    config = json.loads(sys.argv[1])
    incoming, outgoing = _take_pipes()
    try:
        parse = _parser(config["parser"])
    except Exception as error:  # noqa: BLE001 - whatever keeps the parser from loading is told to the gateway
        _send(outgoing, [b"broken", f"{type(error).__name__}: {error}".encode()])
        return
    # What was imported stays to the end, so that no collection need look at it.
    gc.freeze()
    _lock(config["memory"])
    own_domains = frozenset(config["own_domains"])
    _send(outgoing, [b"ready"])
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    try:
        _serve(incoming, outgoing, lambda header, raw: _read(parse, own_domains, header, raw), config["cpu_seconds"])
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def _serve(
    incoming: BinaryIO, outgoing: BinaryIO, answer: Callable[[dict[str, Any], bytes], list[bytes]], seconds: float
) -> None:
    """One answer for each mail; they travel together, but none waits long for a slow one behind it."""
    sent = time.monotonic()
    while (frame := frames.read(incoming)) is not None:
        header = json.loads(frame[0])
        raw = frame[1]
        del frame
        # The kernel ends the process when the time is up, in whatever C code it is then.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        reply = answer(header, raw)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for piece in frames.pack(reply):
            outgoing.write(piece)
        del raw, reply
        if header["last"] or time.monotonic() - sent > _LINGER:
            outgoing.flush()
            sent = time.monotonic()


def _read(parse: Callable[..., Any], own_domains: frozenset[str], header: dict[str, Any], raw: bytes) -> list[bytes]:
    envelope = Envelope(header["mail_from"], tuple(header["rcpt_to"]), header["peer"])
    received_at = datetime.fromisoformat(header["received_at"])
    try:
        done = parse(raw, envelope, header["source"], received_at, own_domains)
        answer = [b"ok", to_json(done.request).encode()]
        for name, content in done.files:
            answer += [name.encode(), content]
        return answer
    except Unreadable as error:
        return [b"no", str(error).encode(errors="replace")]
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception as error:  # noqa: BLE001 - a mail that finds a fault in the parser is quarantined, and the next is read
        return [b"no", f"parser died: {type(error).__name__}".encode()]


def _parser(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes for ourselves, so that nothing a library prints gets between the frames."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=256 * 1024)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    return incoming, outgoing


def _lock(memory: int) -> None:
    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        resource.setrlimit(limit, (value, value))


def _send(outgoing: BinaryIO, parts: list[bytes]) -> None:
    for piece in frames.pack(parts):
        outgoing.write(piece)
    outgoing.flush()


if __name__ == "__main__":
    main()
