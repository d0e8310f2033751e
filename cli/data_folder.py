"""The data folder: there and writable, held by one `frontdesk up`, with a note of where that one is; and what is amiss.

It knows no database, so that a process that only watches others stays small.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields
from typing import Any

from cli.trouble import Trouble
from desk.config.settings import Settings

RUNNING = "running.json"
"""Written by `frontdesk up`: where the processes of this data folder are."""


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
    """Tell other commands where the running desk is, and with which settings it runs."""
    path, salt = settings.data / RUNNING, secrets.token_hex(16)
    partial = path.with_suffix(".new")
    noted = {"pid": os.getpid(), "salt": salt, "settings": noted_settings(settings, salt), **facts}
    with open(partial, "w", opener=_only_ours) as file:
        file.write(json.dumps(noted))
    partial.rename(path)


def noted_settings(settings: Settings, salt: str) -> dict[str, Any]:
    """Every setting by its name; of what may hold a secret only whether it is the same one can be told."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return {
        name: {"salted": hashlib.sha256(f"{salt} {value}".encode()).hexdigest()}
        if _may_be_secret(name)
        else _plain(value)
        for name, value in values.items()
    }


def _may_be_secret(name: str) -> bool:
    """By its name, so that a setting that comes later is none by oversight."""
    return name not in _NO_SECRETS and name.endswith(_SECRET_ENDS)


_SECRET_ENDS = ("_url", "_key", "_token", "_secret", "_password", "_command")
_NO_SECRETS = {"public_url", "slack_api_url", "tls_key", "dkim_key"}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _only_ours(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def running(settings: Settings) -> dict[str, Any]:
    """What the running desk said of itself; empty if none runs here."""
    with suppress(OSError, ValueError):
        facts = json.loads((settings.data / RUNNING).read_text())
        os.kill(int(facts["pid"]), 0)
        return dict(facts)
    return {}
