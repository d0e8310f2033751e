"""Somebody who looks at the wall clock every minute: slow and plain, to check the clocks of tickets against.

Knows nothing of spans, sums and months: for each minute the status, what runs by it, whether it is open now, one tick.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from desk.sla.business_hours import Calendar
from desk.sla.policy import Target
from desk.tickets.ticket import Event

MINUTE = timedelta(minutes=1)


@dataclass
class Seen:
    """One clock: minutes that it ran, and the moment at which it had run for so many."""

    started_at: datetime
    state: str = "running"
    minutes: int = 0
    reached: datetime | None = None


@cache
def wall_clock(zone: str, start: datetime, minutes: int) -> list[tuple[date, int]]:
    """What the wall clock shows in each minute since `start`."""
    shown = (start + n * MINUTE for n in range(minutes))
    return [(s.date(), s.hour * 60 + s.minute) for s in (m.astimezone(ZoneInfo(zone)) for m in shown)]


def open_minutes(calendar: Calendar, day: date) -> bytes:
    """For each minute that the wall clock may show on that day, 1 if it is open then."""
    found = bytearray(24 * 60)
    for shown, shift in ((day, 0), (day - timedelta(days=1), 24 * 60)):
        for slot in calendar.slots if shown not in calendar.off else ():
            if slot.day == shown.weekday():
                for minute in range(max(slot.start - shift, 0), min(slot.end - shift, 24 * 60)):
                    found[minute] = 1
    return bytes(found)


class Watcher:
    """Follows one ticket from `start` on."""

    def __init__(self, calendar: Calendar, start: datetime, pausing: frozenset[Target], targets: Mapping[Target, int]):
        self.calendar, self.start, self.pausing, self.targets = calendar, start, pausing, targets
        self.status = "new"
        self.clocks: dict[Target, Seen] = {}
        self.today: tuple[date, bytes] | None = None

    def watch(self, history: Sequence[Event], minutes: int) -> dict[Target, Seen]:
        waiting = list(history)
        for number, (day, minute) in enumerate(wall_clock(self.calendar.zone, self.start, minutes)):
            now = self.start + number * MINUTE
            while waiting and waiting[0].at <= now:
                self._hear(waiting.pop(0), now)
            if self.clocks and self._open_on(day)[minute]:
                self._tick(now)
        return self.clocks

    def _open_on(self, day: date) -> bytes:
        if self.today is None or self.today[0] != day:
            self.today = (day, open_minutes(self.calendar, day))
        return self.today[1]

    def _tick(self, now: datetime) -> None:
        for target, seen in self._running():
            seen.minutes += 1
            if seen.minutes == self.targets[target]:
                seen.reached = now + MINUTE

    def _running(self) -> Iterator[tuple[Target, Seen]]:
        for target, seen in self.clocks.items():
            stands = target in self.pausing and self.status in ("pending", "on_hold")
            if seen.state == "running" and not stands:
                yield target, seen

    def _hear(self, event: Event, now: datetime) -> None:
        if event.kind == "opened":
            self.clocks = {t: Seen(now) for t in (Target.FIRST_RESPONSE, Target.RESOLUTION)}
        elif event.kind == "requester_replied":
            answered = all(self.clocks[t].state == "met" for t in self.clocks if t is not Target.RESOLUTION)
            if answered:
                self.clocks[Target.NEXT_RESPONSE] = Seen(now)
        elif event.kind == "replied":
            self._turn_responses("met", ("running", "stopped"))
        elif event.kind in ("status_changed", "reopened"):
            self._become(event.after)

    def _become(self, status: str) -> None:
        self.status = status
        resolution = self.clocks[Target.RESOLUTION]
        if status in ("resolved", "closed"):
            self._turn_responses("stopped", ("running",))
            resolution.state = "met"
            return
        resolution.state = "running"
        self._turn_responses("running", ("stopped",))

    def _turn_responses(self, state: str, those: Sequence[str]) -> None:
        for target, seen in self.clocks.items():
            if target is not Target.RESOLUTION and seen.state in those:
                seen.state = state
