"""The registry of models: each one that was trained or imported, its state, its report, and which one is active.

The files are in the data folder, under `FOLDER`/VERSION; a row's checksum identifies them.

States: `candidate` (in training), `active` (exactly one), `kept` (was active, files are there), `refused` (was not
better, files are there for a while), `broken` (its files cannot be trusted), `removed` (no files, history).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.db.session import Session
from storage.db.statements import insert_ignore
from storage.tables.learning import models

FOLDER = "models"
CANDIDATE, ACTIVE, KEPT, REFUSED, BROKEN, REMOVED = "candidate", "active", "kept", "refused", "broken", "removed"
SHIPPED = "shipped"
"""Who made the starter model."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model."""

    version: str
    created_at: datetime
    state: str
    reason: str = ""
    made_by: str = ""
    checksum: str = ""
    examples: int = 0
    last_correction_id: int | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    activated_at: datetime | None = None


_NAMES = tuple(Model.__dataclass_fields__)
_MODEL = sa.select(*(models.c[name] for name in _NAMES))


def active_model(session: Session) -> Model | None:
    row = session.execute(_MODEL.where(models.c.state == ACTIVE)).first()
    return Model(**row._mapping) if row else None


def get(session: Session, version: str) -> Model | None:
    row = session.execute(_MODEL.where(models.c.version == version)).first()
    return Model(**row._mapping) if row else None


def list_all(session: Session, most: int = 200) -> list[Model]:
    """Newest first."""
    query = _MODEL.order_by(models.c.created_at.desc(), models.c.version.desc()).limit(most)
    return [Model(**row._mapping) for row in session.execute(query)]


def add(session: Session, model: Model) -> bool:
    """Stores a new model; False if that version exists."""
    row = {name: getattr(model, name) for name in _NAMES} | {"report": dict(model.report)}
    return session.execute(insert_ignore(session, models), row).rowcount == 1


def activate(session: Session, version: str, now: datetime) -> None:
    """Activates this model and keeps the previous one; both in this transaction."""
    session.execute(sa.update(models).where(models.c.state == ACTIVE).values(state=KEPT))
    values = {"state": ACTIVE, "activated_at": now}
    session.execute(sa.update(models).where(models.c.version == version).values(**values))


def set_state(session: Session, version: str, state: str, reason: str = "") -> None:
    session.execute(sa.update(models).where(models.c.version == version).values(state=state, reason=reason))


def has_broken(session: Session) -> bool:
    """Whether a model was given up because its files cannot be trusted."""
    return session.execute(sa.select(models.c.version).where(models.c.state == BROKEN).limit(1)).first() is not None


def clear_broken(session: Session) -> None:
    """Removes the broken state once a newly trained model works; the reason stays on the row."""
    session.execute(sa.update(models).where(models.c.state == BROKEN).values(state=REMOVED))


def last_attempt(session: Session) -> Model | None:
    """The newest model that was trained from the desk's data, whatever its state."""
    where = (models.c.made_by.in_(("retrain", "command")), models.c.state != CANDIDATE)
    row = session.execute(_MODEL.where(*where).order_by(models.c.created_at.desc()).limit(1)).first()
    return Model(**row._mapping) if row else None


def previous_model(session: Session) -> Model | None:
    """The model that was active before the active one, and still has its files."""
    where = (models.c.state == KEPT, models.c.activated_at.is_not(None))
    row = session.execute(_MODEL.where(*where).order_by(models.c.activated_at.desc()).limit(1)).first()
    return Model(**row._mapping) if row else None


def removable_versions(session: Session, most: int) -> list[str]:
    """Versions whose files may be deleted: those beyond the newest `most` with files, never the active one."""
    query = _MODEL.where(models.c.state.in_((ACTIVE, KEPT, REFUSED, BROKEN)))
    order = sa.func.coalesce(models.c.activated_at, models.c.created_at).desc()
    rows = [row for row in session.execute(query.order_by(order)) if row.state != ACTIVE]
    return [row.version for row in rows[most - 1 :]]
