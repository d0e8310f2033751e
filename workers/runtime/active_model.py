"""Keeps a worker's classifier model the desk's active one: looked up every few seconds, loaded, then swapped.

Files that cannot be trusted never take over: the old model stays, and after a few attempts the broken one is marked and
the newest readable model is activated.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime
from pathlib import Path

import structlog

from classifier import shelf, starter
from classifier.model import BrokenArtefact, Categoriser
from storage.learning import categories, models
from storage.learning.models import Model
from storage.open_store import Store

log = structlog.get_logger()

CHECK_SECONDS = 3.0
TRIES = 3
"""A file system that is shared may show the files a little later than the database shows the row."""


class ModelWatch:
    """Keeps one worker's model the desk's active one."""

    def __init__(self, store: Store, *, registers: bool = False) -> None:
        self._store = store
        self._registers = registers
        self._shelf = store.settings.data / models.FOLDER
        self._checked = 0.0
        self._lock = threading.Lock()
        self._failures: tuple[str, int] = ("", 0)
        self._hidden: frozenset[str] = frozenset()

    def fresh(self, current: Categoriser, now: datetime) -> Categoriser:
        """The active model, if it is time to check and it has changed; else the current one."""
        if time.monotonic() - self._checked < CHECK_SECONDS or not self._lock.acquire(blocking=False):
            return current
        try:
            return self.load_active(current, now)
        finally:
            self._checked = time.monotonic()
            self._lock.release()

    def load_active(self, current: Categoriser, now: datetime) -> Categoriser:
        """The active model as of now."""
        with self._store.database.reading() as session:
            wanted, absent = models.active_model(session), categories.absent(session)
        if self._registers and _is_older_starter(wanted):
            register_starter(self._store, now)
            return self.load_active(current, now)
        # A model that was trained here knows the desk's kind; the one that was shipped knows no desk.
        hidden = absent if wanted and wanted.made_by == models.SHIPPED else frozenset()
        if wanted is None or (wanted.version, hidden) == (current.parts.version, self._hidden):
            return current
        try:
            model = shelf.load(self._shelf, wanted.version, wanted.checksum)
        except BrokenArtefact as error:
            self._note_broken(wanted, str(error), now)
            return current
        self._hidden = hidden
        log.info("model_loaded", version=wanted.version, before=current.parts.version, hidden=len(hidden))
        return model.without(hidden)

    def _note_broken(self, wanted: Model, error: str, now: datetime) -> None:
        version, count = self._failures
        count = count + 1 if version == wanted.version else 1
        self._failures = (wanted.version, count)
        log.warning("model_not_loaded", version=wanted.version, attempt=count, error=error)
        if count >= TRIES:
            go_back(self._store, wanted, error, now)


def register_starter(store: Store, now: datetime) -> None:
    """The shipped model becomes the active one where there is none, or where it is of an earlier release."""
    parts = starter.shipped().parts
    folder = store.settings.data / models.FOLDER
    try:
        checksum = shelf.place(parts, folder)
        shelf.load(folder, parts.version, checksum)
    except BrokenArtefact:
        shelf.remove(folder, parts.version)
        checksum = shelf.place(parts, folder)
    row = Model(parts.version, now, models.KEPT, "shipped with the program", models.SHIPPED, checksum)
    with store.database.transaction() as session:
        if _is_older_starter(models.active_model(session)):
            models.add(session, row)
            models.activate(session, parts.version, now)
            log.info("model_activated", version=parts.version)


def go_back(store: Store, broken: Model, error: str, now: datetime) -> None:
    """Marks the broken model and activates the newest readable one, if need be the starter."""
    folder = store.settings.data / models.FOLDER
    with store.database.reading() as session:
        kept = [one for one in models.list_all(session) if one.state == models.KEPT and one.activated_at]
    readable = next((one for one in sorted(kept, key=_activated, reverse=True) if _is_readable(folder, one)), None)
    with store.database.transaction() as session:
        active = models.active_model(session)
        if active is None or active.version != broken.version:
            return
        models.set_state(session, broken.version, models.BROKEN, error[:500])
        if readable:
            models.activate(session, readable.version, now)
    if readable is None:
        register_starter(store, now)
    log.error("model_broken", version=broken.version, error=error)


def _activated(model: Model) -> str:
    return model.activated_at.isoformat() if model.activated_at else ""


def _is_readable(folder: Path, model: Model) -> bool:
    try:
        shelf.load(folder, model.version, model.checksum)
    except BrokenArtefact:
        return False
    return True


def _is_older_starter(active: Model | None) -> bool:
    return active is None or (active.made_by == models.SHIPPED and active.version != starter.VERSION)
