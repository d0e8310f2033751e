"""Business hours: when a calendar is open, how much open time lies between two moments, and where it ends.

It takes a calendar (time zone, weekly slots by the wall clock, days off) and aware moments, and returns moments in
UTC and seconds. A moment is open when the wall clock of the zone shows a time inside a slot of that day: on the night
when clocks go back an hour counts twice, on the night when they go forward the hour that does not exist counts
nothing. A slot past midnight belongs to the day on which it begins, also for days off. It knows nothing of holidays
of countries and tickets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
FARTHEST = timedelta(days=366 * 10)
"""How far ahead an end is looked for."""

Span = tuple[datetime, datetime]


class BadCalendar(ValueError):
    """A calendar that cannot be meant; the text names its place and what would be right."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Open from `start` to `end`, minutes of the wall clock after the midnight of `day` (0 is Monday); end ≤ 2880."""

    day: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """No slots: always open, except on days off."""

    zone: str = "UTC"
    slots: tuple[Slot, ...] = ()
    off: frozenset[date] = field(default_factory=frozenset)

    @property
    def always(self) -> bool:
        return not self.slots and not self.off


ALWAYS = Calendar()


def read(zone: str, slots: Any, off: Any = (), place: str = "calendar") -> Calendar:
    """From JSON or TOML: `[{"days": "mon-fri", "from": "09:00", "to": "17:00"}]`; a "to" before "from" is next day."""
    try:
        ZoneInfo(zone or "UTC")
    except (ValueError, OSError, KeyError) as error:
        raise BadCalendar(f"{place}: {zone!r} is no time zone such as Europe/Berlin") from error
    if not isinstance(slots, list | tuple):
        raise BadCalendar(f"{place}.slots should be a list")
    found = [slot for number, one in enumerate(slots) for slot in _slots(one, f"{place}.slots[{number}]")]
    return Calendar(zone or "UTC", tuple(sorted(found, key=lambda s: (s.day, s.start, s.end))), frozenset(off))


def is_open(calendar: Calendar, moment: datetime) -> bool:
    """Whether that moment is inside business hours."""
    return any(start <= moment < end for start, end in _around(calendar, moment))


def between(calendar: Calendar, start: datetime, end: datetime) -> float:
    """Seconds of open time from `start` to `end`; 0 where the end comes first."""
    if end <= start:
        return 0.0
    if calendar.always:
        return (end - start).total_seconds()
    found = timedelta()
    for month in _months(start, end):
        spans, total = _of_month(calendar, *month)
        if spans and start <= spans[0][0] and spans[-1][1] <= end:
            found += total
        else:
            found += sum((last - first for first, last in _within(spans, start, end)), timedelta())
    return found.total_seconds()


def add(calendar: Calendar, start: datetime, seconds: float) -> datetime | None:
    """The moment at which so much open time has passed since `start`; None if that is never within FARTHEST."""
    left = timedelta(seconds=seconds)
    if calendar.always:
        return start + left
    for month in _months(start, start + FARTHEST):
        spans, total = _of_month(calendar, *month)
        if spans and spans[0][0] >= start and total < left:
            left -= total
            continue
        for first, last in _within(spans, start, start + FARTHEST):
            if last - first >= left:
                return first + left
            left -= last - first
    return None


def open_spans(calendar: Calendar, start: datetime, end: datetime) -> Iterator[Span]:
    """The open time from `start` to `end`, in order."""
    for month in _months(start, end):
        yield from _within(_of_month(calendar, *month)[0], start, end)


def _within(spans: Sequence[Span], start: datetime, end: datetime) -> Iterator[Span]:
    return ((max(first, start), min(last, end)) for first, last in spans if last > start and first < end)


def _months(start: datetime, end: datetime) -> Iterator[tuple[int, int]]:
    """The months (UTC) from one moment to another."""
    first, last = start.astimezone(UTC), end.astimezone(UTC)
    for number in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        yield number // 12, number % 12 + 1


@lru_cache(maxsize=5_000)
def _of_month(calendar: Calendar, year: int, month: int) -> tuple[tuple[Span, ...], timedelta]:
    """The open time within a month (UTC), neighbours joined, and its sum: a year ahead is twelve steps, not 365."""
    begins = datetime(year, month, 1, tzinfo=UTC)
    ends = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    day = begins.date() - timedelta(days=3)
    found: list[Span] = []
    while day <= ends.date() + timedelta(days=1):
        found += (span for span in _of_day(calendar, day) if span[1] > begins and span[0] < ends)
        day += timedelta(days=1)
    spans = tuple((max(first, begins), min(last, ends)) for first, last in _joined(sorted(found)))
    return spans, sum((last - first for first, last in spans), timedelta())


def _joined(spans: Sequence[Span]) -> Iterator[Span]:
    """Spans that touch or overlap, as one."""
    waiting: Span | None = None
    for begins, ends in spans:
        if waiting is not None and begins <= waiting[1]:
            waiting = (waiting[0], max(waiting[1], ends))
            continue
        if waiting is not None:
            yield waiting
        waiting = (begins, ends)
    if waiting is not None:
        yield waiting


def _around(calendar: Calendar, moment: datetime) -> Iterator[Span]:
    day = moment.astimezone(ZoneInfo(calendar.zone)).date()
    for shift in (-2, -1, 0, 1):
        yield from _of_day(calendar, day + timedelta(days=shift))


def _of_day(calendar: Calendar, day: date) -> tuple[Span, ...]:
    """The open time of the slots that begin on that day, in order."""
    if day in calendar.off:
        return ()
    slots = calendar.slots or (Slot(day.weekday(), 0, DAY),)
    zone = ZoneInfo(calendar.zone)
    midnight = datetime.combine(day, time())
    found: list[Span] = []
    for slot in slots:
        if slot.day == day.weekday():
            begins, ends = midnight + timedelta(minutes=slot.start), midnight + timedelta(minutes=slot.end)
            found += _spans(zone, begins, ends)
    return tuple(sorted(found))


def _spans(zone: ZoneInfo, begins: datetime, ends: datetime) -> Iterator[Span]:
    """When the wall clock shows a time from `begins` to `ends` (naive): once for each offset that holds around it."""
    for since, until, offset in _offsets(zone, begins - timedelta(hours=27), ends + timedelta(hours=27)):
        first, last = max(begins - offset, since), min(ends - offset, until)
        if first < last:
            yield first.replace(tzinfo=UTC), last.replace(tzinfo=UTC)


def _offsets(zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """The offsets from UTC between two moments (naive, UTC), each with the time for which it holds."""
    begins, offset = since, _offset(zone, since)
    # No zone changes its clocks there and back within these few days.
    if _offset(zone, until) == offset:
        yield since, until, offset
        return
    step = timedelta(hours=6)
    at = since
    while at < until:
        after = min(at + step, until)
        if _offset(zone, after) != offset:
            change = _change(zone, at, after, offset)
            yield begins, change, offset
            begins, offset = change, _offset(zone, change)
            at = change
        else:
            at = after
    yield begins, until, offset


def _change(zone: ZoneInfo, before: datetime, after: datetime, offset: timedelta) -> datetime:
    """The second at which the offset is no longer that one."""
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle <= before:
            break
        before, after = (middle, after) if _offset(zone, middle) == offset else (before, middle)
    return after.replace(microsecond=0)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.replace(tzinfo=UTC).astimezone(zone).utcoffset() or timedelta()


def slot_of(line: str) -> dict[str, str]:
    """ "mon-fri 09:00-17:00" as a slot of JSON; checked where it is read."""
    days, _, times = line.strip().rpartition(" ")
    start, dash, end = times.partition("-")
    if not (days and dash):
        raise BadCalendar(f"{line.strip()!r} should look like mon-fri 09:00-17:00")
    return {"days": days.replace(" ", ""), "from": start, "to": end}


def line_of(slot: Mapping[str, Any]) -> str:
    """The other way round."""
    return f"{slot['days']} {slot['from']}-{slot.get('to', '24:00')}"


def _slots(given: Any, place: str) -> Iterator[Slot]:
    if not isinstance(given, Mapping) or not {"days", "from", "to"} >= set(given) >= {"days", "from"}:
        raise BadCalendar(f'{place} should look like {{"days": "mon-fri", "from": "09:00", "to": "17:00"}}')
    start, end = _minutes(given["from"], f"{place}.from"), _minutes(given.get("to", "24:00"), f"{place}.to")
    for day in _days(given["days"], f"{place}.days"):
        yield Slot(day, start, end if end > start else end + DAY)


def _days(given: Any, place: str) -> list[int]:
    """ "mon-fri", "sat" or "mon,wed"; a span may pass Sunday."""
    found: list[int] = []
    for part in str(given).lower().replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise BadCalendar(f"{place}: {given!r} should be days such as mon-fri or sat,sun")
        begins, ends = DAYS.index(first), DAYS.index(last or first)
        found += [day % 7 for day in range(begins, ends + 1 + (7 if ends < begins else 0))]
    return sorted(set(found))


def _minutes(given: Any, place: str) -> int:
    hours, _, minutes = str(given).partition(":")
    if not (hours.isdigit() and minutes.isdigit() and len(hours) <= 2 and len(minutes) == 2):
        raise BadCalendar(f"{place}: {given!r} should be a time such as 09:00")
    found = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or found > DAY:
        raise BadCalendar(f"{place}: {given!r} is no time of a day")
    return found
