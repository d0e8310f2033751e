"""Outages inside normal traffic: how many the detector finds, after how many reports, and how often it cries wolf.

`python -m benchmarks.outages` prints the table. It takes seeds, and returns figures of simulated desks; no database,
no clock. Each desk has a rhythm of day and week, days that differ, categories and organisations of very different
sizes, four weeks of history, and an outage in every second hour-long look; a part of the reports is put into a wrong
category.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from desk.incidents import detector as incident_detector
from desk.incidents.detector import Alarm, Key, Traffic, Window

START = datetime(2026, 6, 1, tzinfo=UTC)
CATEGORIES = 17
ORGANISATIONS = 120
WRONG = 0.15
REPORTS_AN_HOUR = 45.0
WEEKS = 4
LARGEST_ORGANISATION = 0.06


@dataclass(frozen=True, slots=True)
class Report:
    """One request; `outage` says that the outage made it."""

    at: datetime
    category: str
    organisation: str
    person: int
    outage: bool = False


@dataclass
class Town:
    """People who write: so many a working hour, each category and organisation with its share."""

    seed: int
    per_hour: float
    dice: random.Random = field(init=False)
    days: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.categories = _shares("category", CATEGORIES, 1.0)
        self.organisations = _shares("org", ORGANISATIONS, 0.8)

    def level(self, at: datetime) -> float:
        """Messages an hour: nights and weekends are calm, and no day is like the other."""
        hour = at.hour + at.minute / 60
        day = 0.06 + math.exp(-(((hour - 10) / 2.2) ** 2)) + 0.85 * math.exp(-(((hour - 15) / 2.4) ** 2))
        week = (1.25, 1.05, 1.0, 1.0, 0.9, 0.15, 0.12)[at.weekday()]
        number = at.toordinal()
        if number not in self.days:
            self.days[number] = math.exp(self.dice.gauss(0, 0.15))
        return self.per_hour * day * week * self.days[number]

    def hour(self, at: datetime, minutes: int = 60) -> Iterator[Report]:
        """The normal traffic of an hour."""
        for _ in range(_poisson(self.dice, self.level(at + timedelta(minutes=minutes / 2)) * minutes / 60)):
            moment = at + timedelta(minutes=self.dice.random() * minutes)
            yield self.report(moment)

    def report(self, at: datetime) -> Report:
        organisation = _pick(self.dice, self.organisations)
        person = self.dice.randrange(1_000_000)
        # Somebody who writes once often writes again, and a few people at one place write much.
        if self.dice.random() < 0.3:
            person = self.dice.randrange(300)
        return Report(at, _pick(self.dice, self.categories), organisation, person)

    def outage(self, at: datetime, minutes: int) -> list[Report]:
        """Different people of many organisations, most of them in one category; busier at busy hours."""
        category = _pick(self.dice, dict.fromkeys(self.categories, 1.0))
        made = []
        for _ in range(_poisson(self.dice, REPORTS_AN_HOUR * minutes / 60)):
            moment = at + timedelta(minutes=self.dice.random() * minutes)
            wrong = self.dice.random() < WRONG
            heard = _pick(self.dice, self.categories) if wrong else category
            organisation = _pick(self.dice, self.organisations)
            made.append(Report(moment, heard, organisation, self.dice.randrange(1_000_000, 2_000_000), outage=True))
        return sorted(made, key=lambda report: report.at)


class Watch:
    """The desk's side: counts as the storage counts, and asks the rule after each message."""

    def __init__(self, since: datetime) -> None:
        self.since = since
        self.hours: dict[Key, Counter[int]] = {}
        self.lately: deque[Report] = deque()
        self.open: dict[str, datetime] = {}
        self.first: dict[Key, datetime] = {}

    def learn(self, report: Report) -> None:
        for key in _keys(report):
            self.hours.setdefault(key, Counter())[int(report.at.timestamp() // 3600)] += 1
            self.first.setdefault(key, report.at)

    def see(self, report: Report) -> Alarm | None:
        """An alarm, unless the category has an open incident already."""
        self.lately.append(report)
        while self.lately and self.lately[0].at < report.at - timedelta(minutes=60):
            self.lately.popleft()
        if report.category in self.open:
            self.open[report.category] = report.at
            self._end(report.at)
            return None
        self.learn(report)
        found = self._test(report)
        if found is not None:
            self.open[report.category] = report.at
        self._end(report.at)
        return found

    def _end(self, now: datetime) -> None:
        for category, last in list(self.open.items()):
            if now - last > timedelta(hours=2):
                del self.open[category]

    def _test(self, report: Report) -> Alarm | None:
        now = report.at
        past = incident_detector.past(self.since, now)
        if not incident_detector.knows_enough(past):
            return None
        desk = self._traffic(Key(""), now)
        own = Key(report.category)
        others = sum(1 for other in self.lately if other.category != report.category)
        busy = incident_detector.busyness(others, desk, past)
        known = (now - self.first[own]).total_seconds() / 3600
        rate = incident_detector.rate_of(self._traffic(own, now), known, desk, past, busy)
        alarm = incident_detector.alarm(own, self._windows(own, now), rate)
        if alarm is not None:
            return alarm
        narrow = Key(report.category, report.organisation)
        windows = self._windows(narrow, now)
        if windows[-1].people < incident_detector.FEWEST_PEOPLE:
            return None
        share = self._traffic(Key("", report.organisation), now)
        return incident_detector.alarm(
            narrow, windows, incident_detector.rate_of_organisation(rate, self._traffic(narrow, now), share, desk, past)
        )

    def _windows(self, key: Key, now: datetime) -> list[Window]:
        made = []
        for minutes in incident_detector.WINDOWS:
            inside = [
                report
                for report in self.lately
                if report.category == key.category
                and key.organisation in ("", report.organisation)
                and report.at > now - timedelta(minutes=minutes)
            ]
            made.append(Window(minutes, len({report.person for report in inside}), len(inside)))
        return made

    def _traffic(self, key: Key, now: datetime) -> Traffic:
        near = incident_detector.slots(now)
        days: Counter[int] = Counter()
        for slot, weight in near.items():
            days[slot % 24] += weight  # type: ignore[assignment]
        oldest, newest = int((now - incident_detector.HISTORY).timestamp() // 3600), int(now.timestamp() // 3600)
        total = slot_sum = day_sum = 0.0
        for hour, count in self.hours.get(key, {}).items():
            # The hour that is being looked at is not yet its own past.
            if oldest <= hour < newest:
                slot = (hour + 3 * 24) % incident_detector.SLOTS
                total += count
                slot_sum += count * near.get(slot, 0.0)
                day_sum += count * days.get(slot % 24, 0.0)
        return Traffic(total, slot_sum, day_sum)


@dataclass
class Figures:
    """What one kind of desk came to."""

    messages: int = 0
    false: int = 0
    outages: int = 0
    found: list[int] = field(default_factory=list)
    minutes: list[float] = field(default_factory=list)


def simulate(seed: int, per_hour: float, outages: int, weeks: int = WEEKS) -> Figures:
    """One desk: its history, then hours with and without an outage."""
    town = Town(seed, per_hour)
    watch = Watch(START)
    now = START
    while now < START + timedelta(weeks=weeks):
        for report in town.hour(now):
            watch.learn(report)
        now += timedelta(hours=1)
    return _after(town, watch, now, outages)


def _after(town: Town, watch: Watch, now: datetime, outages: int) -> Figures:
    """Days that are watched; at working hours of every day something breaks."""
    figures = Figures()
    for _ in range(outages):
        breaks = now + timedelta(hours=town.dice.uniform(7, 18))
        broken = town.outage(breaks, 40)
        normal = [report for hour in range(24) for report in town.hour(now + timedelta(hours=hour))]
        _day(watch, sorted([*normal, *broken], key=lambda report: report.at), broken, figures)
        now += timedelta(days=1)
    return figures


def _day(watch: Watch, reports: list[Report], broken: list[Report], figures: Figures) -> None:
    figures.outages += 1
    begun, ended = broken[0].at, broken[-1].at
    category = Counter(report.category for report in broken).most_common(1)[0][0]
    reported, found = 0, False
    for report in reports:
        reported += report.outage
        figures.messages += not report.outage
        alarm = watch.see(report)
        if alarm is None:
            continue
        if begun <= report.at <= ended and alarm.key.category == category:
            if not found:
                figures.found.append(reported)
                figures.minutes.append((report.at - begun).total_seconds() / 60)
            found = True
        else:
            figures.false += 1


def table(desks: int, outages: int, sizes: tuple[float, ...] = (3, 10, 30, 100)) -> str:
    """Markdown: a row for each size of desk, and one for all."""
    rows = ["| messages in a busy hour | outages | found | reports until the alarm: median, p90 | minutes: median |"]
    rows[0] += " false alarms per 1,000 messages |"
    rows.append("|---|---|---|---|---|---|")
    everything = Figures()
    for size in sizes:
        figures = Figures()
        for seed in range(desks):
            _add(figures, simulate(1000 * int(size) + seed, size, outages))
        rows.append(_row(f"{size:.0f}", figures))
        _add(everything, figures)
    rows.append(_row("all", everything))
    return "\n".join(rows)


def _add(figures: Figures, more: Figures) -> None:
    figures.messages += more.messages
    figures.false += more.false
    figures.outages += more.outages
    figures.found += more.found
    figures.minutes += more.minutes


def _row(name: str, one: Figures) -> str:
    ninth = sorted(one.found)[int(len(one.found) * 0.9)] if one.found else 0
    median = statistics.median(one.found) if one.found else 0
    return (
        f"| {name} | {one.outages} | {len(one.found) / one.outages:.1%} | {median:.0f}, {ninth} "
        f"| {statistics.median(one.minutes or [0]):.0f} | {1000 * one.false / one.messages:.2f} "
        f"({one.false} in {one.messages:,}) |"
    )


def _keys(report: Report) -> tuple[Key, ...]:
    category, organisation = report.category, report.organisation
    return (Key(""), Key(category), Key("", organisation), Key(category, organisation))


def _shares(name: str, count: int, steepness: float) -> dict[str, float]:
    return {f"{name}-{n}": 1 / n**steepness for n in range(1, count + 1)}


def _pick(dice: random.Random, shares: dict[str, float]) -> str:
    return dice.choices(list(shares), weights=list(shares.values()))[0]


def _poisson(dice: random.Random, mean: float) -> int:
    """By exponential gaps, so that no other library is needed."""
    count, spent = 0, dice.expovariate(1.0)
    while spent < mean:
        count += 1
        spent += dice.expovariate(1.0)
    return count


def main() -> int:
    arguments = argparse.ArgumentParser("benchmarks.outages", description=__doc__)
    arguments.add_argument("--desks", type=int, default=4)
    arguments.add_argument("--outages", type=int, default=14)
    asked = arguments.parse_args()
    print(table(asked.desks, asked.outages))
    return 0


if __name__ == "__main__":
    sys.exit(main())
