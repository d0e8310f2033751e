"""The write lock of SQLite: processes that share one database file queue for the right to write.

SQLite alone lets a writer that finds another one sleep up to a tenth of a second and wakes nobody: whoever asks at the
right moment wins, so the busier process starves the other. Here a writer first locks the queue file, where the one who
has waited longest comes next, and then the write file. SQLite's own lock still guards the database, so a program that
writes without this lock does no harm.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SHORTEST, LONGEST = 0.0002, 0.002
"""Seconds between two tries. The kernel would wake us at once, but could not stop waiting after `seconds`."""


class SqliteWriteLock:
    """Two lock files beside the database; a lock on them ends with the process that has it."""

    def __init__(self, path: Path) -> None:
        self._queue_file = path.with_name(path.name + ".turn")
        self._write_file = path.with_name(path.name + ".pen")

    @contextmanager
    def hold(self, seconds: float) -> Iterator[None]:
        """Has the lock within the block. After `seconds` without it, goes on: SQLite's own lock then decides."""
        deadline = time.monotonic() + seconds
        queue, write = _open(self._queue_file), _open(self._write_file)
        try:
            if _acquire(queue, deadline):
                _acquire(write, deadline)
            os.close(queue)
            queue = -1
            yield
        finally:
            for handle in (queue, write):
                if handle >= 0:
                    os.close(handle)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _acquire(handle: int, deadline: float) -> bool:
    pause = SHORTEST
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST)
