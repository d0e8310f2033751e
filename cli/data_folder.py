"""The data folder: there and writable, held by one `frontdesk up`, with a note of where that one is; and what is amiss.

It knows no database, so that a process that only watches others stays small.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from desk.config.settings import Settings

RUNNING = "running.json"
"""Written by `frontdesk up`: where the processes of this data folder are."""


class Trouble(RuntimeError):
    """Something that the person at the keyboard can mend; the text says how. `code` is the exit status."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


def ensure_folder(settings: Settings) -> None:
    """The data folder is there and can be written; raises Trouble otherwise."""
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = settings.data / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise Trouble(f"the data folder {settings.data.absolute()} cannot be written: {error.strerror}", 73) from error


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the data folder, so that no second `frontdesk up` runs on it."""
    with (settings.data / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            who = running(settings).get("pid", "unknown")
            raise Trouble(f"another frontdesk (process {who}) runs on {settings.data.absolute()}", 75) from None
        try:
            yield
        finally:
            (settings.data / RUNNING).unlink(missing_ok=True)


def note_running(settings: Settings, facts: Mapping[str, Any]) -> None:
    """Tell other commands where the running desk is."""
    path = settings.data / RUNNING
    partial = path.with_suffix(".new")
    partial.write_text(json.dumps({"pid": os.getpid(), **facts}))
    partial.rename(path)


def running(settings: Settings) -> dict[str, Any]:
    """What the running desk said of itself; empty if none runs here."""
    with suppress(OSError, ValueError):
        facts = json.loads((settings.data / RUNNING).read_text())
        os.kill(int(facts["pid"]), 0)
        return dict(facts)
    return {}
