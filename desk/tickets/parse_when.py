"""Until when: the moment that somebody means with `3h`, `2 days`, `tomorrow`, `monday` or `2026-12-01 14:00`.

It takes the words, the time now and the desk's zone, and returns a moment to come, or NotAllowed with what may be
written. Days without an hour begin at nine, when people begin to work.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from desk.tickets.ticket import NotAllowed

MORNING = time(9)
LONGEST_DAYS = 3650
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPAN = re.compile(r"(?:in\s+)?([0-9]{1,5})\s*(m|min|minutes?|h|hours?|d|days?|w|weeks?)", re.IGNORECASE)
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]+([0-9]{1,2}:[0-9]{2}))?")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(days=7)}
FORMS = "3h, 2 days, tomorrow, monday, 2026-12-01 or 2026-12-01 14:00"


def until(words: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The moment that is meant, by the clock on the wall there."""
    wanted = " ".join(words.lower().split())
    found = _after(wanted, now) or _on(wanted, now.astimezone(zone))
    if found is None:
        raise NotAllowed(f"{words!r} is no time; write for example {FORMS}")
    if found <= now or found - now > timedelta(days=LONGEST_DAYS):
        raise NotAllowed(f"{words!r} is over, or too far away")
    return found.astimezone(UTC)


def _after(wanted: str, now: datetime) -> datetime | None:
    match = _SPAN.fullmatch(wanted)
    return now + int(match[1]) * _UNITS[match[2][0]] if match else None


def _on(wanted: str, here: datetime) -> datetime | None:
    if wanted == "tomorrow":
        return _morning(here, 1)
    if wanted in _WEEKDAYS:
        return _morning(here, (_WEEKDAYS.index(wanted) - here.weekday() - 1) % 7 + 1)
    match = _DAY.fullmatch(wanted)
    if match is None:
        return None
    try:
        hour = time.fromisoformat(match[2].zfill(5)) if match[2] else MORNING
        return datetime.combine(date.fromisoformat(match[1]), hour, here.tzinfo)
    except ValueError:
        return None


def _morning(here: datetime, days: int) -> datetime:
    return datetime.combine(here.date() + timedelta(days=days), MORNING, here.tzinfo)
