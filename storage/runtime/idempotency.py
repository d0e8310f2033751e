"""Idempotency keys of the inbound API: one key, one content, one row."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage.db.session import Session
from storage.db.statements import insert_ignore
from storage.tables.runtime import idempotency


class KeyReused(ValueError):
    """The key was used before with another content."""


def begin(session: Session, key: str, content_hash: str, now: datetime) -> int | None:
    """Claims the key; returns the inbound id if it was used before with the same content. Concurrent requests wait."""
    row = {"key": key, "content_hash": content_hash, "created_at": now}
    if session.execute(insert_ignore(session, idempotency), row).rowcount == 1:
        return None
    stored = session.execute(sa.select(idempotency).where(idempotency.c.key == key)).one()
    if stored.content_hash != content_hash:
        raise KeyReused("this Idempotency-Key was used with another body")
    return int(stored.inbound_id)


def finish(session: Session, key: str, inbound_id: int) -> None:
    session.execute(sa.update(idempotency).where(idempotency.c.key == key).values(inbound_id=inbound_id))
