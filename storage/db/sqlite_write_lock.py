"""Whose turn it is to write: processes that share one SQLite file take turns, instead of asking again and again.

SQLite itself lets a writer that finds another one sleep, up to a tenth of a second, and wakes nobody: whoever asks at
the right moment wins, so the busier process starves the other. Here a writer first takes the turn (who waits longest
has it), then the pen. In: the database's path. It refuses to know what is written; SQLite's own lock still guards it,
so whoever writes without a turn (another program) does no harm.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SHORTEST, LONGEST = 0.0002, 0.002
"""Seconds between two looks. The kernel would wake us at once, but could not stop waiting after `seconds`."""


class SqliteWriteLock:
    """Two files beside the database; locks on them end with the process that holds them."""

    def __init__(self, path: Path) -> None:
        self._turn = path.with_name(path.name + ".turn")
        self._pen = path.with_name(path.name + ".pen")

    @contextmanager
    def writing(self, seconds: float) -> Iterator[None]:
        """Hold the pen. Who gets none within `seconds` goes on without: SQLite then says what it thinks of it."""
        until = time.monotonic() + seconds
        turn, pen = _opened(self._turn), _opened(self._pen)
        try:
            if _locked(turn, until):
                _locked(pen, until)
            os.close(turn)
            turn = -1
            yield
        finally:
            for handle in (turn, pen):
                if handle >= 0:
                    os.close(handle)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _locked(handle: int, until: float) -> bool:
    pause = SHORTEST
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() > until:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST)
