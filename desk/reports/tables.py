"""A report as tables: the same ones on the page of the command, in the mail and in the file.

It takes a Report, and returns Tables of plain values; seconds and shares are marked, so that people read "3.2 h" and
"94%" and programs read numbers. Beside each mean stand median and p90, and the number of cases.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from desk.reports.report import Group, Line, Report, Spread
from desk.reports.spreadsheet import safe_cell

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TIMES = (
    ("First response", "first_response_seconds"),
    ("First response, business hours", "first_response_business"),
    ("Next response", "next_response_seconds"),
    ("Next response, business hours", "next_response_business"),
    ("Resolution", "resolution_seconds"),
    ("Resolution, business hours", "resolution_business"),
)
TARGETS = (
    ("First response", "first_response"),
    ("Next response", "next_response"),
    ("Resolution", "resolution"),
)
STATUSES = (("New", "new"), ("Open", "open"), ("Pending", "pending"), ("On hold", "on_hold"))


class Seconds(float):
    """A length of time."""


class Share(float):
    """A part of a whole, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Table:
    """The first column names the row."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]


def tables(report: Report) -> list[Table]:
    """All that a report says."""
    now = report.now
    return [
        Table("Summary", ("figure", "now", "before"), summary(report)),
        Table("Times", ("time", "tickets", "mean", "median", "p90", "median before"), list(_times(report))),
        Table("Promises kept", ("promise", "kept", "broken", "share", "share before"), list(_promises(report))),
        Table("Time in status, a resolved ticket", ("status", "mean"), list(_in_status(now.resolved))),
        Table("Backlog", ("status", "tickets"), [(_word(n), c) for n, c in sorted(report.statuses.items())]),
        Table("Age of the backlog", ("age", "tickets"), list(report.ages)),
        *(
            Table(f"Opened by {name}", (name, "tickets", "share"), list(_parts(rows, now.opened.count)))
            for name, rows in report.volume.items()
        ),
        Table("By day", ("day", "opened", "resolved", "backlog"), [_day(day) for day in report.days]),
        Table(
            "Opened by hour", ("day", *map(str, range(24))), [(d, *h) for d, h in zip(DAYS, report.hours, strict=True)]
        ),
        Table("Teams", _WORK, [_work(line) for line in report.teams]),
        Table("Agents", _WORK, [_work(line) for line in report.agents]),
    ]


def summary(report: Report) -> list[tuple[str, Any, Any]]:
    """What a lead looks at first: name, now, before."""
    now, before = report.now, report.before

    def both(name: str, opened: Any, which: str = "resolved") -> tuple[str, Any, Any]:
        return name, opened(getattr(now, which)), opened(getattr(before, which))

    return [
        both("Opened", lambda group: group.count, "opened"),
        both("Resolved", lambda group: group.count),
        ("Open at the end", report.days[-1].backlog if report.days else 0, _at_start(report)),
        both("First response, median", lambda group: _median(group, "first_response_seconds"), "opened"),
        both("Resolution, median", lambda group: _median(group, "resolution_seconds")),
        both("Reopened", lambda group: share(group.reopened, group.count)),
        both("One reply was enough", lambda group: share(group.one_touch, group.count)),
        both("Good ratings", lambda group: share(group.good, group.rated)),
        both("Ratings", lambda group: group.rated),
        both("Mean rating", lambda group: round(group.score_sum / group.rated, 2) if group.rated else None),
        ("Incidents", report.incidents, None),
    ]


def nearness(report: Report) -> str:
    """How true its medians are, where they are not exact."""
    if not report.error:
        return ""
    return f"Of so many tickets, medians and p90 are within {report.error:.1%} of the true ones; all else is exact."


def share(part: int, whole: int) -> Share | None:
    return Share(part / whole) if whole else None


def shown(value: Any) -> str:
    """A cell as people read it."""
    if value is None:
        return "–"
    if isinstance(value, Seconds):
        return length(value)
    if isinstance(value, Share):
        return f"{value:.1%}" if 0 < value < 0.1 or 0.9 < value < 1 else f"{value:.0%}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def length(seconds: float) -> str:
    """ "45 s", "12 min", "3.2 h", "2.4 d"."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}" if unit == "min" else f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def as_text(made: Sequence[Table]) -> str:
    """Aligned columns, a blank line between tables."""
    return "\n\n".join(_aligned(table) for table in made if table.rows)


def as_csv(made: Sequence[Table]) -> str:
    """One line a figure: table, row, column, value; seconds and shares as numbers. Nothing in it is a formula."""
    page = io.StringIO()
    writer = csv.writer(page)
    writer.writerow(("table", "row", "column", "value"))
    for table in made:
        for name, *values in table.rows:
            for column, value in zip(table.columns[1:], values, strict=True):
                writer.writerow([plain_cell(cell) for cell in (table.name, name, column, value)])
    return page.getvalue()


def plain_cell(value: Any) -> str:
    """Text that a spreadsheet shows and does not run."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return safe_cell(value) if isinstance(value, str) else str(value)


def _aligned(table: Table) -> str:
    lines = [table.columns, *(tuple(shown(value) for value in row) for row in table.rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(table.columns))]
    told = []
    for first, *rest in lines:
        cells = [first.ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(rest, widths[1:], strict=True))]
        told.append("  ".join(cells))
    return "\n".join([table.name.upper(), *(line.rstrip() for line in told)])


def _at_start(report: Report) -> int | None:
    """What was open when the period began."""
    if not report.days:
        return None
    first = report.days[0]
    return first.backlog - first.opened + first.resolved


def _median(group: Group, name: str) -> Seconds | None:
    return _seconds(group.times.get(name, Spread()).median)


def _seconds(value: float | None) -> Seconds | None:
    return None if value is None else Seconds(value)


def _times(report: Report) -> Iterator[tuple[Any, ...]]:
    times = {**report.now.opened.times, **report.now.resolved.times}
    earlier = {**report.before.opened.times, **report.before.resolved.times}
    for words, name in TIMES:
        one, before = times.get(name, Spread()), earlier.get(name, Spread())
        yield words, one.count, *map(_seconds, (one.mean, one.median, one.p90, before.median))


def _promises(report: Report) -> Iterator[tuple[Any, ...]]:
    for words, name in TARGETS:
        found = []
        for headline in (report.now, report.before):
            kept = headline.opened.kept.get(name, 0) + headline.resolved.kept.get(name, 0)
            broken = headline.opened.broken.get(name, 0) + headline.resolved.broken.get(name, 0)
            found.append((kept, broken, share(kept, kept + broken)))
        (kept, broken, now), (_, _, before) = found
        yield words, kept, broken, now, before


def _in_status(group: Group) -> Iterator[tuple[Any, ...]]:
    for words, name in STATUSES:
        yield words, Seconds(group.seconds_in.get(name, 0) / group.count) if group.count else None


def _parts(rows: Sequence[tuple[str, int]], whole: int) -> Iterator[tuple[Any, ...]]:
    for name, count in rows:
        yield name or "none", count, share(count, whole)


def _day(day: Any) -> tuple[Any, ...]:
    return day.day.isoformat(), day.opened, day.resolved, day.backlog


_WORK = (
    "name",
    "open now",
    "opened",
    "resolved",
    "first response, median",
    "resolution, median",
    "reopened",
    "ratings",
    "good",
)


def _work(line: Line) -> tuple[Any, ...]:
    done = line.resolved
    return (
        line.name,
        line.open,
        line.opened.count,
        done.count,
        _median(line.opened, "first_response_seconds"),
        _median(done, "resolution_seconds"),
        share(done.reopened, done.count),
        done.rated,
        share(done.good, done.rated),
    )


def _word(name: str) -> str:
    return name.replace("_", " ").capitalize()
