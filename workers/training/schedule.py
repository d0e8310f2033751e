"""When to train: on demand, after enough corrections, and once a night (at three in the desk's time zone)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from desk.learning.learning import CORRECTIONS_UNTIL_RETRAIN
from storage.db.session import Session
from storage.learning import models
from storage.runtime import key_values, locks
from storage.tickets import corrections

NIGHT_HOUR = 3
PAUSE = timedelta(minutes=5)
"""After a training that did not end well the next one waits so long."""


def is_due(session: Session, now: datetime, time_zone: str) -> bool:
    """Whether a training should be enqueued."""
    if _runs(session, now) or _failed_lately(session, now):
        return False
    if key_values.get(session, key_values.ASKED):
        return True
    last = models.last_attempt(session)
    waiting = corrections.count_after(session, (last.last_correction_id if last else 0) or 0)
    if waiting >= CORRECTIONS_UNTIL_RETRAIN:
        return True
    return waiting > 0 and _night_since(last.created_at if last else None, now, time_zone)


def _night_since(last: datetime | None, now: datetime, time_zone: str) -> bool:
    """Whether three o'clock has passed since then."""
    here = now.astimezone(ZoneInfo(time_zone))
    night = here.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    night = night if night <= here else night - timedelta(days=1)
    # A desk that is new today waits for its first night.
    return last < night if last is not None else here - night < timedelta(hours=1)


def _runs(session: Session, now: datetime) -> bool:
    until = locks.expires_at(session, "retrain")
    return until is not None and until > now


def _failed_lately(session: Session, now: datetime) -> bool:
    progress = key_values.get(session, key_values.PROGRESS)
    if not progress or not (progress.get("running") or str(progress.get("result", "")).startswith("failed")):
        return False
    return now - datetime.fromisoformat(progress["at"]) < PAUSE
