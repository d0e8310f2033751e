"""Writers of one SQLite file take turns: who waits comes before who has just written, and nobody waits for the dead."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from storage.db.session import Database
from storage.db.sqlite_write_lock import SqliteWriteLock

HOLD = """
import sys, time
from pathlib import Path
from storage.db.sqlite_write_lock import SqliteWriteLock
with SqliteWriteLock(Path(sys.argv[1])).hold(5):
    print("held", flush=True)
    time.sleep(60)
"""


def _somebody_waits(path: Path) -> bool:
    handle = os.open(f"{path}.turn", os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _until(true: object) -> None:
    until = time.monotonic() + 20
    while not true():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.001)


def test_who_waits_comes_before_who_has_just_written(tmp_path: Path) -> None:
    path, order = tmp_path / "desk.sqlite3", []

    def other() -> None:
        with SqliteWriteLock(path).hold(20):
            order.append("other")

    turns = SqliteWriteLock(path)
    with turns.hold(20):
        thread = threading.Thread(target=other)
        thread.start()
        _until(lambda: _somebody_waits(path))
        order.append("first")
    with turns.hold(20):
        order.append("first again")
    thread.join(20)
    assert order == ["first", "other", "first again"]


def test_the_pen_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "desk.sqlite3"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGKILL)
        with SqliteWriteLock(path).hold(20):
            assert holder.wait(20) == -signal.SIGKILL


def test_who_gets_no_turn_in_time_leaves_it_to_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "desk.sqlite3"
    with SqliteWriteLock(path).hold(5), SqliteWriteLock(path).hold(0.01):
        pass


def test_a_writer_that_breaks_gives_the_pen_back(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "desk.sqlite3"))
    with pytest.raises(RuntimeError), database.transaction():
        raise RuntimeError
    with open(tmp_path / "desk.sqlite3.pen", "rb") as pen:
        fcntl.flock(pen, fcntl.LOCK_EX | fcntl.LOCK_NB)
    database.close()
