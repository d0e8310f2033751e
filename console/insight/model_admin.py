"""Administration of classification models: load, promote, roll back, import, export.

Commands and pages use it in an open transaction. A model that cannot be read whole is never promoted.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import structlog

from classifier import shelf, starter
from classifier.model import BrokenArtefact, Categoriser
from storage.db.session import Session
from storage.learning import models
from storage.learning.models import Model
from storage.open_store import Store

log = structlog.get_logger()


class Refused(ValueError):
    """The action is not possible; the text says why and what to do."""


def load_model(store: Store, session: Session, version: str = "") -> Categoriser:
    """The model of that version, else the active one, else the starter model."""
    row = models.get(session, version) if version else models.active_model(session)
    if row is None and version:
        raise Refused(f"there is no model {version!r}: `frontdesk classifier status` lists them")
    return _read(store, row) if row else starter.shipped()


def promote(store: Store, session: Session, version: str, now: datetime) -> Model:
    """Activates that model; workers load it within seconds."""
    row = models.get(session, version)
    if row is None:
        raise Refused(f"there is no model {version!r}")
    if row.state == models.REMOVED:
        raise Refused(f"the files of {version} were removed: only the newest few are kept")
    if row.state != models.ACTIVE:
        _read(store, row)
        models.activate(session, version, now)
        log.info("model_activated", version=version)
    return models.get(session, version) or row


def roll_back(store: Store, session: Session, now: datetime) -> Model:
    """Activates the previously active model."""
    before = models.previous_model(session)
    if before is None:
        raise Refused("there is no earlier model to go back to")
    return promote(store, session, before.version, now)


def import_model(store: Store, session: Session, source: Path, now: datetime) -> Model:
    """Imports a model from a zip or directory after checking it; it is a candidate until somebody promotes it."""
    try:
        parts = shelf.unpack(source)
        if models.get(session, parts.version):
            raise Refused(f"there is a model {parts.version} already")
        folder = store.settings.data / models.FOLDER
        checksum = shelf.place(parts, folder)
        shelf.load(folder, parts.version, checksum)
    except BrokenArtefact as error:
        raise Refused(str(error)) from error
    row = Model(parts.version, now, models.CANDIDATE, f"taken in from {source.name}", "import", checksum)
    models.add(session, row)
    return row


def export_model(store: Store, session: Session, version: str, target: Path) -> str:
    """Exports a model as a zip of its three files; returns its version."""
    row = models.get(session, version) if version else models.active_model(session)
    if row is None:
        raise Refused("there is no such model yet: a worker registers the starter model when it first works")
    try:
        shelf.pack(store.settings.data / models.FOLDER, row.version, target)
    except BrokenArtefact as error:
        raise Refused(str(error)) from error
    return row.version


def _read(store: Store, row: Model) -> Categoriser:
    try:
        return shelf.load(store.settings.data / models.FOLDER, row.version, row.checksum)
    except BrokenArtefact as error:
        raise Refused(f"{row.version} cannot be read: {error}") from error
