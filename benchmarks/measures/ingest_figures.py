"""P6 and P11: how fast requests become tickets with many stored, and in batches beside one at a time.

It takes a lab, and returns lines. The worker's own code runs in this process, on requests that are already written
down.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from unittest.mock import patch

from benchmarks import desks, mails
from benchmarks.desks import POSTGRESQL, SQLITE
from benchmarks.figures import Line
from benchmarks.lab import Lab, in_turn, median_ratio
from benchmarks.mails import MAILBOX, Mail
from benchmarks.multiply import multiply
from desk.config.settings import read
from desk.mail.inbound_request import Envelope
from gateway import intake
from gateway.email.parse.normalise import normalise
from gateway.intake import Incoming
from storage.open_store import Store, open_store
from workers.inbound import ingest
from workers.runtime.context import Context, open_context

SMALL = 1_000
TICKETS_A_MAIL = 0.7
GROUP = 50
WARM = 100
MORE_ROUNDS = 3
"""The two rates of P6 lie so near each other that it takes more rounds to tell them apart."""
WORDS = {POSTGRESQL: "PostgreSQL", SQLITE: "SQLite"}


@dataclass(frozen=True, slots=True)
class Took:
    """Requests a second, and CPU seconds a request of the worker's code and PostgreSQL."""

    rate: float
    cpu: float


def batches(lab: Lab) -> list[Line]:
    """P11: the same requests in batches and one at a time."""
    lines = []
    for kind in (POSTGRESQL, SQLITE):
        with _context(lab, kind) as context:
            _ingest(lab, context, WARM)
            variants = {
                f"one at a time, {kind}": partial(_drain_by, lab, context, 1),
                f"in batches, {kind}": partial(_drain_by, lab, context, ingest.BATCH),
            }
            alone, together = in_turn(lab.rounds, variants).values()
        detail = _detail(together, alone, "one_at_a_time")
        value = round(median_ratio([one.rate for one in together], [one.rate for one in alone]), 2)
        lines.append(Line("P11", f"drain in batches / one at a time, {WORDS[kind]}", value, "P11", detail))
    return lines


def stored(lab: Lab) -> list[Line]:
    """P6: writing down and settling, with many stored tickets and with a thousand."""
    lines = []
    for kind in (POSTGRESQL, SQLITE):
        with _context(lab, kind) as small, _context(lab, kind) as large:
            for context in (small, large):
                _ingest(lab, context, round(SMALL / TICKETS_A_MAIL))
            multiply(large.store.database, lab.stored // SMALL - 1)
            for context in (small, large):
                _ingest(lab, context, WARM)
            variants = {
                f"{SMALL} stored, {kind}": partial(_ingest, lab, small, lab.mails),
                f"{lab.stored} stored, {kind}": partial(_ingest, lab, large, lab.mails),
            }
            few, many = in_turn(MORE_ROUNDS * lab.rounds, variants).values()
        value = round(median_ratio([one.rate for one in many], [one.rate for one in few]), 3)
        what = f"ingest with {lab.stored:,} stored tickets / with {SMALL:,}, {WORDS[kind]}"
        lines.append(Line("P6", what, value, "P6", _detail(many, few, "with_1000")))
    return lines


def _detail(ours: Sequence[Took], others: Sequence[Took], name: str) -> dict[str, float]:
    return {
        "a_second": round(statistics.median(one.rate for one in ours)),
        f"{name}_a_second": round(statistics.median(one.rate for one in others)),
        "cpu_ms": round(1000 * statistics.median(one.cpu for one in ours), 3),
        f"{name}_cpu_ms": round(1000 * statistics.median(one.cpu for one in others), 3),
        "cpu_ratio": round(median_ratio([one.cpu for one in others], [one.cpu for one in ours]), 3),
    }


def _drain_by(lab: Lab, context: Context, most: int) -> Took:
    """Only the draining, with batches of at most that many."""
    load = _incoming(mails.plain(lab.mails, next(lab.seeds)))
    _write_down(context.store, load)
    with patch.object(ingest, "BATCH", most):
        return _timed(lab, len(load), lambda: ingest.drain(context))


def _ingest(lab: Lab, context: Context, count: int) -> Took:
    """Writing down and draining."""
    load = _incoming(mails.plain(count, next(lab.seeds)))

    def work() -> None:
        _write_down(context.store, load)
        ingest.drain(context)

    return _timed(lab, len(load), work)


def _timed(lab: Lab, count: int, work: object) -> Took:
    assert callable(work)
    used, began = time.process_time() + lab.postgres_cpu, time.monotonic()
    work()
    took = time.monotonic() - began
    return Took(count / took, (time.process_time() + lab.postgres_cpu - used) / count)


def _write_down(store: Store, load: Sequence[Incoming]) -> None:
    for start in range(0, len(load), GROUP):
        intake.accept(store, load[start : start + GROUP], datetime.now(UTC))


def _incoming(load: Sequence[Mail]) -> list[Incoming]:
    """The mails as the sandbox would read them."""
    now = datetime.now(UTC)
    made = []
    for mail in load:
        read_mail = normalise(mail.raw, Envelope(mail.sender, (MAILBOX,), "127.0.0.1"), MAILBOX, now)
        made.append(Incoming(read_mail.request, read_mail.files, mail.raw))
    return made


@contextmanager
def _context(lab: Lab, kind: str) -> Iterator[Context]:
    """The worker's context on a furnished desk of its own, with no queue."""
    with ExitStack() as stack:
        environ = stack.enter_context(desks.furnished(lab, kind, lab.new_folder(), notices=False))
        store = open_store(read(environ | {"FRONTDESK_REDIS_URL": ""}, {}))
        stack.callback(store.close)
        yield open_context(store)
