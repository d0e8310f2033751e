"""Trains a model from the desk's examples: load, evaluate on the newest, store, and activate it if it is not worse.

One training runs at a time, by a lease; one that is killed has changed nothing. It runs in a process of its own
(`workers/training/process.py`), so that it does not slow intake.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
import structlog

from classifier import shelf
from classifier.model import BrokenArtefact, Categoriser
from desk.learning import learning
from storage.db.session import Session
from storage.learning import categories, models, training_labels
from storage.learning.models import Model
from storage.open_store import Store
from storage.runtime import key_values, locks
from storage.tickets import corrections
from workers.training.evaluation import TrainingData, evaluate, markdown

log = structlog.get_logger()

LEASE = "retrain"
LEASE_LENGTH, RENEW_SECONDS = timedelta(seconds=60), 15.0
MOST_KEPT = 5
STAGES = ("reading", "learning", "judging", "learning from all", "writing")

Now = Callable[[], datetime]


class Busy(RuntimeError):
    """Another training runs."""


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """Who requests a training, why, and whether it is a dry run."""

    made_by: str = "retrain"
    why: str = ""
    dry_run: bool = False


def retrain(store: Store, now: Now, request: TrainingRequest) -> Model:
    """One training from begin to end; returns its row. Raises Busy while another one runs."""
    with _training_lease(store, now) as holder:
        progress = _Progress(store, now, request, holder)
        try:
            return _train(store, now, request, progress)
        except BaseException as error:
            progress.end(f"failed: {type(error).__name__}")
            raise


def _train(store: Store, now: Now, request: TrainingRequest, progress: _Progress) -> Model:
    progress.reach(0)
    begun = time.monotonic()
    with store.database.reading() as session:
        material = load_training_data(session)
        active = models.active_model(session)
    version = f"desk-{now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    progress.reach(1)
    judged = evaluate(material, _old(store, active), lambda: progress.reach(2))
    progress.reach(3)
    model = Categoriser(version=version, created=now()).fit_hints(*material.everything(), material.hints)
    report = judged.report | {"seconds": round(time.monotonic() - begun, 1), "why": request.why}
    row = Model(
        version=version,
        created_at=now(),
        state=models.KEPT if judged.promote else models.REFUSED,
        reason=judged.reason,
        made_by=request.made_by,
        examples=len(material.chosen.examples),
        last_correction_id=material.last_correction_id,
        report=report,
    )
    if request.dry_run:
        progress.end(f"tried only: {row.reason}")
        return row
    progress.reach(4)
    stored = _keep(store, model, row, active, now)
    progress.end(f"{stored.state}: {stored.reason}")
    log.info("model_trained", version=version, state=stored.state, examples=stored.examples)
    return stored


def load_training_data(session: Session) -> TrainingData:
    """Everything that a training needs, as of this transaction."""
    own = categories.list_all(session)
    last = corrections.newest_id(session)
    examples = [*training_labels.labels_by_agents(session), *training_labels.labels_by_silence(session)]
    retired = frozenset(one.name for one in own if not one.active)
    chosen = learning.choose(examples, retired)
    words = {one.name: one.words for one in own if one.active}
    return TrainingData(chosen, retired, words, last, categories.absent(session))


def prune(store: Store, now: datetime) -> None:
    """The files of all but the newest few models go, and what a killed training left behind."""
    folder = store.settings.data / models.FOLDER
    with store.database.transaction() as session:
        gone = models.removable_versions(session, MOST_KEPT)
        for version in gone:
            models.set_state(session, version, models.REMOVED, "only the newest few are kept")
        known = {one.version for one in models.list_all(session, 10_000) if one.state != models.REMOVED}
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() and path.name not in known and (path.name in gone or _is_old(path, now)):
            shelf.discard(path)


def _keep(store: Store, model: Categoriser, row: Model, active: Model | None, now: Now) -> Model:
    """Files first, then the row that names them; the one transaction that makes it active if it may be."""
    folder = store.settings.data / models.FOLDER
    row = replace(row, checksum=shelf.place(model.parts, folder))
    (shelf.where(folder, row.version) / "report.md").write_text(markdown(row.version, row.reason, row.report), "utf-8")
    with store.database.transaction() as session:
        current = models.active_model(session)
        if row.state == models.KEPT and (current and current.version) != (active and active.version):
            why = "another model was made active while this one was trained"
            row = replace(row, state=models.REFUSED, reason=why)
        models.add(session, row)
        if row.state == models.KEPT:
            models.activate(session, row.version, now())
            models.clear_broken(session)
        key_values.remove(session, key_values.ASKED)
    prune(store, now())
    with store.database.reading() as session:
        return models.get(session, row.version) or row


def _old(store: Store, active: Model | None) -> tuple[Categoriser | None, int]:
    """The model in use, and the last correction that it knows."""
    if active is None:
        return None, 0
    try:
        found = shelf.load(store.settings.data / models.FOLDER, active.version, active.checksum)
    except BrokenArtefact as error:
        log.warning("model_not_loaded", version=active.version, error=str(error))
        return None, 0
    return found, active.last_correction_id or 0


def _is_old(path: Path, now: datetime) -> bool:
    try:
        return now.timestamp() - path.stat().st_mtime > 3600
    except OSError:
        return False


class _Progress:
    """Stores the progress, where pages and commands read it."""

    def __init__(self, store: Store, now: Now, request: TrainingRequest, holder: str) -> None:
        self._store, self._now, self._request, self._holder = store, now, request, holder
        self._begun = now()

    def reach(self, stage: int) -> None:
        log.info("training_reached", stage=STAGES[stage])
        self._note({"stage": STAGES[stage], "done": stage, "total": len(STAGES), "running": True})

    def end(self, result: str) -> None:
        self._note({"stage": "done", "done": len(STAGES), "total": len(STAGES), "running": False, "result": result})

    def _note(self, facts: dict[str, object]) -> None:
        now = self._now()
        whole = facts | {"why": self._request.why, "begun_at": self._begun.isoformat(), "at": now.isoformat()}
        with self._store.database.transaction() as session:
            key_values.put(
                session, key_values.PROGRESS, whole | {"dry_run": self._request.dry_run, "holder": self._holder}
            )


@contextmanager
def _training_lease(store: Store, now: Now) -> Iterator[str]:
    """The lease, renewed by a thread until the end."""
    holder = f"training-{secrets.token_hex(6)}"
    if not _take(store, holder, now()):
        raise Busy("another training runs")
    stop = threading.Event()
    renewer = threading.Thread(target=_renew, args=(store, holder, now, stop), name="lease", daemon=True)
    renewer.start()
    try:
        yield holder
    finally:
        stop.set()
        renewer.join()
        with store.database.transaction() as session:
            locks.release(session, LEASE, holder)


def _take(store: Store, holder: str, now: datetime) -> bool:
    with store.database.transaction() as session:
        return locks.acquire(session, LEASE, holder, now, LEASE_LENGTH)


def _renew(store: Store, holder: str, now: Now, stop: threading.Event) -> None:
    while not stop.wait(RENEW_SECONDS):
        try:
            _take(store, holder, now())
        except sa.exc.DBAPIError as error:
            log.warning("lease_not_renewed", error=type(error).__name__)


__all__ = ["Busy", "TrainingRequest", "load_training_data", "prune", "retrain"]
