"""One line of the table: a figure, what it must at least be, what it aims at, and what it was in this run.

It takes numbers, and returns Lines, as JSON and back. It does not know how they were measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Bounds:
    """Least and aim of a figure; `more` says whether more of it is better."""

    least: float
    aim: float
    unit: str
    more: bool


BOUNDS = {
    "P1": Bounds(0.6, 0.8, "of null", True),
    "P2": Bounds(0.4, 0.55, "of null", True),
    "P3": Bounds(6, 10, "times", True),
    "P5": Bounds(5, 3, "parses", False),
    "P6": Bounds(0.9, 0.95, "of the rate with 1,000", True),
    "P7": Bounds(150, 50, "ms", False),
    "P7 idle": Bounds(5, 3, "% of a core", False),
    "P9": Bounds(250, 200, "MB", False),
    "P9 up": Bounds(400, 300, "MB", False),
    "P10": Bounds(0.5, 0.3, "of django-helpdesk's CPU", False),
    "P11": Bounds(3, 5, "times", True),
    "P12": Bounds(0.5, 0.8, "of the rate without", True),
    "P13": Bounds(0.4, 0.25, "of scikit-learn's time", False),
    "P14": Bounds(50, 15, "ms", False),
    "P15": Bounds(0, 0, "wrong tickets", False),
    "P16": Bounds(300, 100, "ms", False),
    "P17": Bounds(5, 3, "s", False),
    "P18": Bounds(120, 60, "s", False),
    "P19": Bounds(400, 300, "MB", False),
    "P19 growth": Bounds(5, 0, "%", False),
}
"""What PERFORMANCE asks for; "P9 up", now P19, is in older results. What stands before a space is the figure there."""


@dataclass(frozen=True, slots=True)
class Line:
    """`bounds` names an entry of BOUNDS, or is empty for a number that only explains the one above it."""

    figure: str
    what: str
    value: float | None
    bounds: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    unit: str = ""

    @property
    def verdict(self) -> str:
        """`aim`, `least`, `missed`; empty where nothing is asked, `not measured` where there is no number."""
        if self.value is None:
            return "not measured"
        if not self.bounds:
            return ""
        bounds = BOUNDS[self.bounds]
        sign = 1 if bounds.more else -1
        if sign * self.value >= sign * bounds.aim:
            return "aim"
        return "least" if sign * self.value >= sign * bounds.least else "missed"

    @property
    def told(self) -> str:
        """The value with its unit."""
        unit = BOUNDS[self.bounds].unit if self.bounds else self.unit
        return "–" if self.value is None else f"{shown(self.value)} {unit}".strip()

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"verdict": self.verdict}


def from_json(data: Mapping[str, Any]) -> Line:
    return Line(**{name: value for name, value in data.items() if name in Line.__dataclass_fields__})


def shown(value: float) -> str:
    """Three digits are as much as a measurement is worth."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
