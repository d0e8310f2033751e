"""The doctor's look at the categoriser: can the active model be read, was one given up, did the last training end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from classifier import shelf
from classifier.model import BrokenArtefact
from classifier.starter import VERSION
from cli.diagnose.findings import Finding, broken, fine, warning
from storage.db.session import Session
from storage.learning import models
from storage.runtime import key_values

_GO_BACK = "`frontdesk classifier rollback` goes back to the model before; workers do so by themselves"


def examine(session: Session, data: Path, _now: datetime) -> Iterator[Finding]:
    """The active model first."""
    active = models.active_model(session)
    if active is None:
        yield fine("model", f"{VERSION}, the starter model; no worker has asked for it yet")
    else:
        yield _active(active, data / models.FOLDER)
    for one in models.list_all(session):
        if one.state == models.BROKEN:
            advice = "the model named above works in its place; restore its files from the backup, or train a new one"
            yield warning(f"model {one.version}", f"broken: {one.reason}", advice)
    progress = key_values.get(session, key_values.PROGRESS) or {}
    if str(progress.get("result", "")).startswith("failed"):
        yield warning("training", str(progress["result"]), "read the worker's log, then `frontdesk classifier train`")


def _active(active: models.Model, folder: Path) -> Finding:
    try:
        found = shelf.load(folder, active.version, active.checksum)
    except BrokenArtefact as error:
        return broken("model", str(error), _GO_BACK)
    return fine("model", f"{found.parts.version}, {len(found.classes_)} categories")
