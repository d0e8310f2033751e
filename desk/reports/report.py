"""A report as plain values: a period in figures beside the period before it. What is in it is said here once.

It refuses to know where the figures come from (`storage/reports/report.py`) and how they are shown
(`desk/reports/tables.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from desk.reports.period import Period


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds, of `count` tickets."""

    count: int = 0
    mean: float | None = None
    median: int | None = None
    p90: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """`count` tickets: of how many something is true, seconds in each status, and the spreads of times."""

    count: int = 0
    one_touch: int = 0
    reopened: int = 0
    rated: int = 0
    good: int = 0
    score_sum: int = 0
    kept: Mapping[str, int] = field(default_factory=dict)
    broken: Mapping[str, int] = field(default_factory=dict)
    seconds_in: Mapping[str, int] = field(default_factory=dict)
    times: Mapping[str, Spread] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Headline:
    """A period in two groups: the tickets opened in it, and those resolved in it."""

    opened: Group
    resolved: Group


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    opened: int
    resolved: int
    backlog: int


@dataclass(frozen=True, slots=True)
class Line:
    """A team or an agent: what lies there now, and the period's two groups. `id` None: nobody's."""

    id: int | None
    name: str
    open: int
    opened: Group
    resolved: Group


@dataclass(frozen=True, slots=True)
class Report:
    period: Period
    as_of: datetime
    now: Headline
    before: Headline
    days: Sequence[Day]
    hours: Sequence[Sequence[int]]
    """Opened tickets: seven days from Monday, each with 24 hours of the desk's zone."""
    volume: Mapping[str, Sequence[tuple[str, int]]]
    statuses: Mapping[str, int]
    ages: Sequence[tuple[str, int]]
    incidents: int
    teams: Sequence[Line] = field(default_factory=tuple)
    agents: Sequence[Line] = field(default_factory=tuple)
    error: float = 0.0
    """Medians and p90 may be off by this part of them: those of long periods are, a little."""
