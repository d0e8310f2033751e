"""Spans of days in the desk's own time zone: what a report is about, and what it is compared with.

It takes days, or words such as "30d", "week", "2026-03", and returns a Period, whose moments are UTC. It does not ask
the clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from desk.web.clean_input import check_day

LONGEST = 366 * 50
_WORD = re.compile(r"(\d{1,4})d")


class BadPeriod(ValueError):
    """Days that cannot be meant; the text says what would be right."""


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last, both whole, by the wall clock of `zone`."""

    first: date
    last: date
    zone: str = "UTC"

    @property
    def start(self) -> datetime:
        return _midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The moment after it."""
        return _midnight(self.last + timedelta(days=1), self.zone)

    @property
    def length(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Period:
        """The same number of days right before it."""
        return Period(self.first - timedelta(days=self.length), self.first - timedelta(days=1), self.zone)

    def days(self) -> Iterator[date]:
        for shift in range(self.length):
            yield self.first + timedelta(days=shift)


def read(first: str, last: str, zone: str, now: datetime, word: str = "30d") -> Period:
    """From what somebody wrote: two days, or one and until today, or a word."""
    today = now.astimezone(ZoneInfo(zone)).date()
    if not first and not last:
        return of_word(word or "30d", zone, now)
    until = _day(last, "--to") if last else today
    since = _day(first, "--from") if first else until - timedelta(days=29)
    if since > until or (until - since).days > LONGEST:
        raise BadPeriod(f"a period begins before it ends: {since} to {until}")
    return Period(since, until, zone)


def of_word(word: str, zone: str, now: datetime) -> Period:
    """ "30d" are thirty days with today; "week" and "month" are the last whole ones; "2026-03" is that month."""
    today = now.astimezone(ZoneInfo(zone)).date()
    if word == "week":
        monday = today - timedelta(days=today.weekday())
        return Period(monday - timedelta(days=7), monday - timedelta(days=1), zone)
    if word == "month":
        last = today.replace(day=1) - timedelta(days=1)
        return Period(last.replace(day=1), last, zone)
    days = _WORD.fullmatch(word)
    if days and int(days[1]) > 0:
        return Period(today - timedelta(days=int(days[1]) - 1), today, zone)
    try:
        first = check_day(date.fromisoformat(f"{word}-01"))
    except ValueError as error:
        raise BadPeriod(f"{word!r} should be such as 30d, week, month or 2026-03") from error
    return Period(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1), zone)


def next_start(every: str, zone: str, now: datetime) -> datetime:
    """When the next week (Monday) or month begins, at seven o'clock: then the last whole one can be told."""
    here = now.astimezone(ZoneInfo(zone))
    day = here.date() - timedelta(days=here.weekday()) if every == "week" else here.date().replace(day=1)
    while True:
        at = datetime.combine(day, time(7), ZoneInfo(zone)).astimezone(UTC)
        if at > now:
            return at
        day = day + timedelta(days=7) if every == "week" else (day + timedelta(days=31)).replace(day=1)


def _day(text: str, place: str) -> date:
    try:
        return check_day(date.fromisoformat(text))
    except ValueError as error:
        raise BadPeriod(f"{place}: {text!r} should be a day such as 2026-03-31") from error


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
