"""What all figures share: a folder, one PostgreSQL, a process that sends mails, and how many rounds there are.

It takes the options of the command, and returns servers and databases, gone when the lab closes.
"""

from __future__ import annotations

import email
import email.policy
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

from benchmarks import processes, sender
from benchmarks.mails import Mail
from benchmarks.sender import Sent
from tests.servers import postgres

T = TypeVar("T")
ROOT = Path(__file__).parents[1]
SESSIONS = 50


@dataclass
class Lab:
    """Made by `opened`. `seeds` gives every load mails of its own, since a mail that came twice is no new one."""

    folder: Path
    rounds: int
    mails: int
    stored: int
    _stack: ExitStack
    _sender: ProcessPoolExecutor
    seeds: Iterator[int] = field(default_factory=lambda: count(1))
    _postgres: postgres.Postgres | None = None

    @property
    def postgres(self) -> postgres.Postgres:
        """The one server, started when it is first wanted."""
        if self._postgres is None:
            # As it is delivered; the tests make do with less memory.
            self._stack.enter_context(patch.dict(postgres._OPTIONS, shared_buffers="128MB"))
            self._postgres = self._stack.enter_context(postgres.running())
        return self._postgres

    @property
    def postgres_cpu(self) -> float:
        return processes.cpu_seconds(self._postgres.pid) if self._postgres else 0.0

    def send(self, address: str, mails: Sequence[Mail], sessions: int = SESSIONS, *, kept: bool = False) -> Sent:
        """Send by SMTP from the other process; raises if one is not accepted."""
        letters = [(mail.sender, mail.raw) for mail in mails]
        sent = self._sender.submit(sender.send, address, letters, sessions, kept=kept).result()
        if sent.accepted != len(mails):
            raise RuntimeError(f"only {sent.accepted} of {len(mails)} mails were accepted: {sent.refused}")
        return sent

    def new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self.folder))


def in_turn(rounds: int, variants: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """Run the variants one after the other, round after round, so that a slow minute of the machine hits them all."""
    results: dict[str, list[T]] = {name: [] for name in variants}
    for number in range(rounds):
        for name, run in variants.items():
            began = time.monotonic()
            results[name].append(run())
            print(f"  round {number + 1}: {name} took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return results


def median_ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(one / other for one, other in zip(over, under, strict=True))


def parse_seconds(mails: Sequence[Mail]) -> float:
    """CPU of one parse by the standard library: the unit in which costs are told, because it moves with the machine."""
    began = time.process_time()
    for mail in mails:
        message = email.message_from_bytes(mail.raw, policy=email.policy.default)
        body = message.get_body(("plain",))
        assert message["subject"] and message["from"] and message["to"] and body is not None and body.get_content()
    return (time.process_time() - began) / len(mails)


@contextmanager
def opened(rounds: int, mails: int, stored: int) -> Iterator[Lab]:
    """A lab; what it started and stored is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="fd-bench-"))
    try:
        with ExitStack() as stack:
            pool = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))
            yield Lab(folder, rounds, mails, stored, stack, pool)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
