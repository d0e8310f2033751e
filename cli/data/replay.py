"""`frontdesk replay`: what would the desk make of these mails? The real way of a request, in a throwaway record.

The same mails make the same report.
Nothing is sent and nothing is kept, unless `--for-real` says so: then the mails become tickets, and still nothing is
sent.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import click

from cli import output
from cli.command import Call, DeskCommand
from cli.data import replay_report
from cli.trouble import Trouble
from desk.mail.inbound_request import Envelope
from gateway import intake
from gateway.directory import Directory
from gateway.email.archives.replay_source import read_mails
from gateway.email.sandbox.pool import SandboxPool
from gateway.email.smtp.types import RawMail
from storage.learning import models
from storage.mail import inbound
from storage.open_store import Store, open_store
from storage.operations import replay as operations_replay
from storage.runtime import locks
from workers.inbound import ingest
from workers.runtime.context import Context, open_context

BATCH, BATCH_BYTES = 100, 20_000_000
PROGRESS_EVERY = 500

Take = Callable[[Sequence[bytes]], None]


@click.command(cls=DeskCommand)
@click.argument("source")
@click.option("--for-real", is_flag=True, help="Keep the tickets; still nothing is sent.")
@click.option("--verbose", is_flag=True, help="A line for each mail.")
def replay(call: Call, source: str, for_real: bool, verbose: bool) -> None:
    """What would become of these mails? Nothing is kept, nothing is sent.

    SOURCE is an mbox, a Maildir, a folder of .eml files, or imaps://user@host/FOLDER.
    """
    with call.store() as store:
        place = _for_real(store, call.now) if for_real else _throwaway(store)
        with place as target:
            report = _run(source, target, call.now)
    if call.as_json:
        output.as_json(replay_report.as_dict(report, verbose=verbose))
    else:
        replay_report.show_report(report, verbose=verbose, for_real=for_real)


def _run(source: str, store: Store, now: datetime) -> replay_report.Report:
    with store.database.reading() as session:
        before = operations_replay.last_inbound(session)
    labels: list[tuple[str, str]] = []
    with _pipeline(store, now) as take:
        try:
            for batch in _batches(read_mails(source)):
                take([raw for _, raw in batch])
                labels += [(label, hashlib.sha256(raw).hexdigest()) for label, raw in batch]
                _progress(len(labels), len(batch))
        except ValueError as error:
            raise Trouble(str(error), 66) from error
    with store.database.reading() as session:
        return replay_report.made(labels, operations_replay.outcomes(session, before))


@contextmanager
def _pipeline(store: Store, now: datetime) -> Iterator[Take]:
    """The way of fetched mail through sandbox, intake and ingest in this process, without any reaction."""
    directory = Directory(store)
    directory.refresh()
    source = f"imap:{next(iter(sorted(box.address for box in directory.mailboxes)), 'nobody')}/replay"
    context: Context = open_context(store, react=False)
    context.now = lambda: now
    sandbox = SandboxPool(store.settings.jail_size, own_domains=directory.domains)

    def take(mails: Sequence[bytes]) -> None:
        intake.accept_mails(store, sandbox, [RawMail(raw, Envelope(), source, now) for raw in mails])
        ingest.drain(context)

    try:
        yield take
    finally:
        sandbox.close()


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
