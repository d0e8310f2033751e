"""The training process: low priority, on one core, and ended when the process that started it is gone.

It reads the settings as JSON from the first line of stdin; stdin stays open while the parent lives.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from desk.config.settings import Settings
from storage.open_store import Store, open_store
from storage.runtime import key_values
from storage.runtime.logging_setup import configure_logging
from workers.training import train as training
from workers.training.train import Busy, TrainingRequest

NICE = 10
_ROOT = Path(__file__).parents[2]
_ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "MALLOC_ARENA_MAX"), "1")

log = structlog.get_logger()


class Trainer:
    """Starts at most one child of this process; a second message while it runs starts none."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> int:
        """1 if a training was started. Returns at once: the job's thread is free for mail again."""
        with self._lock:
            if self._child is not None and self._child.poll() is None:
                return 0
            self._child = started(self._store)
        threading.Thread(target=_reap, args=(self._child,), name="training", daemon=True).start()
        return 1


def started(store: Store) -> subprocess.Popen[bytes]:
    """The child, with the settings handed over where no list of processes shows them."""
    settings = replace(store.settings, data_dir=str(store.settings.data.absolute()))
    search = os.pathsep.join(dict.fromkeys([str(_ROOT), *filter(None, sys.path)]))
    child = subprocess.Popen(
        [sys.executable, "-m", "workers.training.process"],
        stdin=subprocess.PIPE,
        env=os.environ | _ONE_CORE | {"PYTHONPATH": search},
    )
    assert child.stdin is not None
    with suppress(BrokenPipeError):
        child.stdin.write(json.dumps(asdict(settings)).encode() + b"\n")
        child.stdin.flush()
    return child


def main() -> int:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
    settings = _settings(json.loads(sys.stdin.buffer.readline()))
    threading.Thread(target=_end_with_the_parent, name="parent", daemon=True).start()
    with suppress(OSError):
        os.nice(NICE)
    configure_logging(settings)
    store = open_store(settings, pool_size=3)
    try:
        training.retrain(store, lambda: datetime.now(UTC), TrainingRequest(why=_why(store)))
    except Busy:
        log.info("training_already_begun")
    finally:
        store.close()
    return 0


def _settings(given: Mapping[str, Any]) -> Settings:
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
    return Settings(**values)


def _why(store: Store) -> str:
    with store.database.reading() as session:
        asked = key_values.get(session, key_values.ASKED)
    return str(asked["why"]) if asked else "what agents said since the last one"


def _end_with_the_parent() -> None:
    """Nothing more comes on stdin; its end is the parent's. What is half done changes nothing.

    Read from the descriptor: a thread that waits inside the buffered stdin makes the interpreter's own end fail.
    """
    while os.read(0, 4096):
        pass
    os._exit(1)


def _reap(child: subprocess.Popen[bytes]) -> None:
    code = child.wait()
    if child.stdin is not None:
        child.stdin.close()
    if code:
        log.error("training_failed", status=code)


if __name__ == "__main__":
    sys.exit(main())
