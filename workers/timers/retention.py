"""The retention job: every night removes what the retention rules call old, and finishes interrupted erasures.

It works step by step and is idempotent.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from storage.db.session import Session
from storage.open_store import Store
from storage.runtime import key_values
from usecases.privacy import erasure, retention
from workers.runtime import isolation
from workers.runtime.context import Context

log = structlog.get_logger()

NIGHT_HOUR = 2
DONE = "retention_done"


def is_due(session: Session, now: datetime, time_zone: str) -> bool:
    """From two o'clock of the desk's own time zone for an hour, once, where there are rules."""
    here = now.astimezone(ZoneInfo(time_zone))
    if not NIGHT_HOUR <= here.hour <= NIGHT_HOUR + 1 or key_values.get(session, DONE) == f"{here:%Y-%m-%d}":
        return False
    return bool(retention.rules(session)) or bool(erasure.unfinished(session))


def _finish(store: Store, number: int) -> int:
    erasure.finish(store, number)
    return 1


def drain(context: Context) -> int:
    """All that is due; returns how many."""
    store, now, done = context.store, context.now(), 0
    with store.database.reading() as session:
        cut_off = erasure.unfinished(session)
    for number in cut_off:
        isolation.alone(store.database, "erasures", number, partial(_finish, store, number), now)
    while more := retention.run_step(store, now):
        done += more
    if done or cut_off:
        erasure.purge(store)
    with store.database.transaction() as session:
        key_values.put(session, DONE, f"{now.astimezone(ZoneInfo(store.settings.time_zone)):%Y-%m-%d}")
    log.info("retention_done", count=done)
    return done
