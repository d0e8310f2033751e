"""Key-values: small JSON values that outlive a process and need no table of their own."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from storage.db.session import Session
from storage.db.statements import upsert
from storage.tables.tickets import settings

ASKED = "retrain_asked"
"""Why and when somebody asked for a retraining."""
PROGRESS = "retrain_progress"
"""How far the retraining is, or how the last one ended."""

SLA_REVIEW = "sla_review"
"""How far the recalculation of all due times is."""
SLA_CHANGED = "sla_changed"
"""Which policy or calendar changed, so that all due times are to be recalculated."""


def get(session: Session, key: str) -> Any:
    return session.execute(sa.select(settings.c.value).where(settings.c.key == key)).scalar()


def put(session: Session, key: str, value: Any) -> None:
    upsert(session, settings, ("key",), {"key": key, "value": value})


def remove(session: Session, key: str) -> None:
    session.execute(sa.delete(settings).where(settings.c.key == key))
