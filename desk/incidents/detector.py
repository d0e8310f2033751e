"""Whether so many people report the same at once that it is no chance: a Poisson test against the desk's own history.

It takes how many people wrote lately about a category (or about it from one organisation), and how often that is
usual at this hour, and returns an alarm with its reason, or None; and when an incident is over. It does not know
where the numbers come from, reads no text, and asks no clock.

How usual: a rate is the category's own level, bent by the rhythm of the whole desk's week, bent by the category's own
week where that has been seen often enough. What is known badly counts as spread out (a negative binomial instead of a
Poisson), so that a young desk neither alarms at its first three mails nor sleeps through an outage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

WINDOWS = (15, 60)
"""Minutes that are looked at."""
HISTORY = timedelta(days=28)
FEWEST_PEOPLE = 3
FEWEST_HOURS = 6.0

SLOTS = 7 * 24
_REACH_HOURS = 1.5
_SHARED_HOURS = 4.0
"""The desk's rhythm counts like so many hours of the category's own at this hour of the week."""
_ORGANISATION_HOURS = 48.0
_MOST_CERTAIN = 40.0
"""However long the history, a rate is not known better than by so many messages: weeks differ."""
_BUSY_WEIGHT, _BUSIEST = 8.0, 4.0
_ORGANISATION_FLOOR = 0.1
_STRICTER = 0.001
"""After a dismissal: so much less likely it must be, with twice as many people."""


class BadDetector(ValueError):
    """A setting that cannot be meant; the text says which and what would be right."""


@dataclass(frozen=True, slots=True)
class Detector:
    """How easily the desk is alarmed: whether it `watches`; from how many people on; at what happens by chance less
    than once in `one_in`; how long it must be ordinary to be over; how many days a dismissed alarm makes it deafer.
    """

    watches: bool = True
    fewest_people: int = FEWEST_PEOPLE
    one_in: int = 1000
    quiet_minutes: int = 60
    remember_days: int = 7


_LIMITS = {"fewest_people": (FEWEST_PEOPLE, 10_000), "one_in": (10, 10**9), "quiet_minutes": (15, 1440),
           "remember_days": (0, 365)}  # fmt: skip
USUAL = Detector()


def read(given: Mapping[str, Any]) -> Detector:
    """The settings of a mapping; what it does not name is as it is shipped. BadDetector where something is wrong."""
    for name, value in given.items():
        if name == "watches":
            if not isinstance(value, bool):
                raise BadDetector("watches should be true or false")
            continue
        if name not in _LIMITS:
            raise BadDetector(f"{name!r} is no setting of incidents; there are watches, {', '.join(_LIMITS)}")
        low, high = _LIMITS[name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise BadDetector(f"{name} should be a whole number from {low} to {high}")
    return Detector(**given)


@dataclass(frozen=True, slots=True)
class Key:
    """What is counted: a category, or what one organisation writes about it."""

    category: str
    organisation: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """What came in the last so many minutes; a person counts once however often they write."""

    minutes: int
    people: int
    messages: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """How much came in the past weeks: in all, near this hour of the week, and near this hour of any day."""

    total: float = 0.0
    slot: float = 0.0
    day: float = 0.0


@dataclass(frozen=True, slots=True)
class Past:
    """How long the past was watched, in hours: in all, near this hour of the week, near this hour of any day."""

    hours: float
    slot: float
    day: float


@dataclass(frozen=True, slots=True)
class Rate:
    """What is usual now: messages an hour, and how many messages that knowledge rests on."""

    per_hour: float
    certainty: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """So many people in so many minutes are more than chance."""

    key: Key
    people: int
    messages: int
    minutes: int
    p: float
    why: str


def alarm(key: Key, windows: Sequence[Window], rate: Rate, dismissed: int = 0, rules: Detector = USUAL) -> Alarm | None:
    """The alarm of the window that is least likely; `dismissed` people were called a false alarm lately."""
    most = (_STRICTER if dismissed else 1.0) / rules.one_in / len(WINDOWS)
    fewest = max(rules.fewest_people + bool(key.organisation), 2 * dismissed)
    # It is asked whenever somebody wrote: that one is certain, the others are the coincidence.
    found = [(chance(w.people - 1, rate, w.minutes), w) for w in windows if w.people >= fewest]
    p, window = min(found, key=lambda pair: pair[0], default=(1.0, None))
    if window is None or p >= most:
        return None
    return Alarm(key, window.people, window.messages, window.minutes, p, _why(key, window, rate, p))


def knows_enough(past: Past) -> bool:
    """A desk of its first hours gets the backlog of its mailboxes, and has nothing to compare with."""
    return past.hours >= FEWEST_HOURS


def is_over(last_hour: Window, rate: Rate) -> bool:
    """Whether an hour was nothing out of the usual again."""
    return last_hour.people < FEWEST_PEOPLE or chance(last_hour.people, rate, last_hour.minutes) > 0.05


def chance(people: int, rate: Rate, minutes: float) -> float:
    """How likely that many or more are by chance."""
    if people <= 0:
        return 1.0
    mean, shape = max(rate.per_hour, 1e-9) * minutes / 60, rate.certainty
    ratio = mean / (mean + shape)
    head = math.lgamma(people + shape) - math.lgamma(shape) - math.lgamma(people + 1)
    term = math.exp(head + people * math.log(ratio) + shape * math.log1p(-ratio))
    total, count = 0.0, people
    while term > total * 1e-12 and count < people + 100_000:
        total += term
        term *= (count + shape) / (count + 1) * ratio
        count += 1
    return min(total, 1.0)


def rate_of(own: Traffic, own_hours: float, desk: Traffic, past: Past, busy: float = 1.0) -> Rate:
    """What is usual for a category now; it has been known for `own_hours`."""
    known = min(own_hours, past.hours)
    base = (own.total + 1) / (known + 1) * _rhythm(desk, past)
    per_hour = (_SHARED_HOURS * base + own.slot) / (_SHARED_HOURS + min(past.slot, known)) * busy
    return Rate(per_hour, min(own.total + 1, _MOST_CERTAIN))


def rate_of_organisation(category: Rate, own: Traffic, organisation: Traffic, desk: Traffic, past: Past) -> Rate:
    """What is usual for one organisation's messages about a category: its share, and what it was in fact."""
    share = (organisation.total + 1) / (desk.total + 10)
    expected = category.per_hour * min(share, 1.0)
    per_hour = (_ORGANISATION_HOURS * expected + own.total * _rhythm(desk, past)) / (_ORGANISATION_HOURS + past.hours)
    return Rate(max(per_hour, _ORGANISATION_FLOOR), min(organisation.total + 1, _MOST_CERTAIN))


def busyness(others: float, desk: Traffic, past: Past) -> float:
    """How much more than usual the other categories get in this hour: a Monday after a holiday is no incident."""
    usual = _level(desk, past) * _rhythm(desk, past)
    return min(max((others + _BUSY_WEIGHT) / (usual + _BUSY_WEIGHT), 1.0), _BUSIEST)


def slots(now: datetime) -> Mapping[int, float]:
    """The hours of the week around a moment, with the weight of each."""
    middle = now.astimezone(UTC) - timedelta(minutes=20)
    here = slot_of(middle)
    place = here + (middle.minute * 60 + middle.second) / 3600
    near = ((here + step, abs(here + step + 0.5 - place)) for step in (-2, -1, 0, 1, 2))
    return {slot % SLOTS: 1 - far / _REACH_HOURS for slot, far in near if far < _REACH_HOURS}


def slot_of(at: datetime) -> int:
    """The hour of the week, in UTC, from Monday's first."""
    moment = at.astimezone(UTC)
    return moment.weekday() * 24 + moment.hour


def past(since: datetime, now: datetime) -> Past:
    """How much of the past weeks was watched."""
    begun = max(since, now - HISTORY)
    hours = max((now - begun).total_seconds() / 3600, 0.0)
    weights, weeks = slots(now), hours / SLOTS
    whole, rest = int(weeks), hours % SLOTS
    first = slot_of(begun)
    slot = sum(weight * (whole + ((place - first) % SLOTS < rest)) for place, weight in weights.items())
    day = sum(weight for weight in weights.values()) * hours / 24
    return Past(hours, slot, day)


def _level(desk: Traffic, past: Past) -> float:
    return (desk.total + 1) / (past.hours + 1)


def _rhythm(desk: Traffic, past: Past) -> float:
    """This hour of the week against the average hour, of the whole desk: the day's rhythm until weeks are known."""
    level = _level(desk, past)
    of_day = (2 * level + desk.day) / (2 + past.day)
    of_week = (2 * of_day + desk.slot) / (2 + past.slot)
    return of_week / level


def _why(key: Key, window: Window, rate: Rate, p: float) -> str:
    usual = rate.per_hour * window.minutes / 60
    where = f" from {key.organisation}" if key.organisation else ""
    return (
        f"{window.people} people{where} wrote about {key.category} within {window.minutes} minutes, "
        f"where {_number(usual)} usual at this hour; as a coincidence that happens {_odds(p)}"
    )


def _number(value: float) -> str:
    if value < 0.1:
        return "hardly any is"
    return f"{value:.0f} are" if value >= 9.5 else f"about {value:.1f} is"


def _odds(p: float) -> str:
    if p < 1e-6:
        return "less than once in a million"
    step = 10 ** max(int(math.log10(1 / p)) - 1, 0)
    return f"once in {round(1 / p / step) * step:,}"
