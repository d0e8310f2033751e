"""`frontdesk replay`: what would the desk make of these mails? The real way of a request, in a throwaway record.

In: mails, and the way (sandbox, intake, ingest) from outside. Out: a report; the same mails make the same report.
Nothing is sent and nothing is kept, unless `--for-real` says so: then the mails become tickets, and still nothing is
sent.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from cli import output
from cli.data import replay_report
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from storage.learning import models
from storage.mail import inbound
from storage.open_store import Store, open_store
from storage.operations import replay as operations_replay
from storage.runtime import locks

BATCH, BATCH_BYTES = 100, 20_000_000
PROGRESS_EVERY = 500

Take = Callable[[Sequence[bytes]], None]


@dataclass(frozen=True, slots=True)
class Way:
    """What the other rooms lend: `mails` yields labels and raw mails, `pipeline` takes batches the whole way."""

    mails: Callable[[str], Iterator[tuple[str, bytes]]]
    pipeline: Callable[[Store, datetime], AbstractContextManager[Take]]


def replay(args: argparse.Namespace, settings: Settings, now: datetime, way: Way) -> int:
    with opened(settings) as store:
        place = _for_real(store, now) if args.for_real else _throwaway(store)
        with place as target:
            report = _run(args.source, target, now, way)
    if args.json:
        output.as_json(replay_report.as_dict(report, verbose=args.verbose))
    else:
        replay_report.show_report(report, verbose=args.verbose, for_real=args.for_real)
    return 0


def _run(source: str, store: Store, now: datetime, way: Way) -> replay_report.Report:
    with store.database.reading() as session:
        before = operations_replay.last_inbound(session)
    labels: list[tuple[str, str]] = []
    with way.pipeline(store, now) as take:
        try:
            for batch in _batches(way.mails(source)):
                take([raw for _, raw in batch])
                labels += [(label, hashlib.sha256(raw).hexdigest()) for label, raw in batch]
                _progress(len(labels), len(batch))
        except ValueError as error:
            raise Trouble(str(error), 66) from error
    with store.database.reading() as session:
        return replay_report.made(labels, operations_replay.outcomes(session, before))


def _batches(mails: Iterator[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    batch: list[tuple[str, bytes]] = []
    size = 0
    for label, raw in mails:
        if batch and (len(batch) >= BATCH or size + len(raw) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((label, raw))
        size += len(raw)
    if batch:
        yield batch


@contextmanager
def _throwaway(real: Store) -> Iterator[Store]:
    """A record in a temp folder with the desk's people, places, key and model; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-replay-") as folder:
        _copy_model(real, Path(folder))
        settings = replace(
            real.settings, data_dir=folder, database_url="", redis_url="", secret_key=real.secret.decode()
        )
        store = open_store(settings, migrate=True, pool_size=2)
        try:
            with real.database.reading() as source, store.database.transaction() as target:
                operations_replay.copy_setup(source, target)
            yield store
        finally:
            store.close()


def _copy_model(real: Store, folder: Path) -> None:
    """The files of the active model; without any the replay has the starter model, as the desk would."""
    with real.database.reading() as session:
        active = models.active_model(session)
    source = real.settings.data / models.FOLDER / (active.version if active else "none")
    if source.is_dir():
        shutil.copytree(source, folder / models.FOLDER / source.name)


@contextmanager
def _for_real(real: Store, now: datetime) -> Iterator[Store]:
    """The record itself, while no worker is at work: one would answer the imported mails."""
    with real.database.reading() as session:
        until = locks.expires_at(session, "clock")
        waiting = inbound.totals(session, now).unsettled
    if until is not None and now - until < timedelta(seconds=1):
        raise Trouble("workers are running, and would answer the imported mails: stop them first", 75)
    if waiting:
        raise Trouble(f"{waiting} requests wait for a worker: let `frontdesk up` settle them, and stop it", 75)
    quiet = open_store(replace(real.settings, redis_url=""), pool_size=2)
    try:
        yield quiet
    finally:
        quiet.close()


def _progress(done: int, step: int) -> None:
    if done // PROGRESS_EVERY != (done - step) // PROGRESS_EVERY:
        print(f"{done} mails", file=sys.stderr, flush=True)
