"""Charts of the reports as SVG: days and a heat map of the week. The style sheet sets their colours.

A table with the same numbers is beside each chart, so charts are hidden from screen readers.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from desk.reports.report import Day

WIDTH, HEIGHT, FOOT, LEFT = 720, 190, 22, 44
_CELL, _ROW, _NAMES = 27, 22, 70
_STEPS = 5


def day_chart(rows: Sequence[Day]) -> Markup:
    """Opened and resolved side by side, the backlog as a line with its own scale; long periods by week."""
    parts = _by_week(rows) if len(rows) > 62 else [(f"{d.day:%d %b}", d.opened, d.resolved, d.backlog) for d in rows]
    most = max((max(opened, resolved) for _, opened, resolved, _ in parts), default=0) or 1
    highest = max((backlog for *_, backlog in parts), default=0) or 1
    step = (WIDTH - LEFT) / max(len(parts), 1)
    drawn, line = [], []
    every = max(1, -(-len(parts) // 9))
    for place, (name, opened, resolved, backlog) in enumerate(parts):
        x = LEFT + place * step
        title = f"{name}: {opened} opened, {resolved} resolved, {backlog} open"
        bars = _bar("opened", x + step * 0.1, step * 0.38, opened / most)
        bars += _bar("resolved", x + step * 0.52, step * 0.38, resolved / most)
        drawn.append(Markup("<g><title>{}</title>{}</g>").format(title, bars))
        if place % every == 0:
            drawn.append(Markup('<text x="{}" y="{}">{}</text>').format(round(x, 1), HEIGHT - 6, name))
        line.append(f"{x + step / 2:.1f},{_y(backlog / highest):.1f}")
    drawn.append(Markup('<polyline class="backlog" points="{}"/>').format(" ".join(line)))
    return _picture(WIDTH, HEIGHT, [*_scale(most), *drawn])


def week_chart(rows: Sequence[Sequence[int]], names: Sequence[str]) -> Markup:
    """Heat map of seven days by twenty-four hours."""
    most = max((count for row in rows for count in row), default=0)
    drawn = []
    for y, (name, row) in enumerate(zip(names, rows, strict=True)):
        drawn.append(Markup('<text x="0" y="{}">{}</text>').format(y * _ROW + 15, name))
        for hour, count in enumerate(row):
            level = -(-count * _STEPS // most) if most else 0
            cell = '<rect class="level-{}" x="{}" y="{}" width="{}" height="{}" rx="3"><title>{}</title></rect>'
            title = f"{name} {hour:02}:00: {count}"
            drawn.append(Markup(cell).format(level, _NAMES + hour * _CELL, y * _ROW, _CELL - 3, _ROW - 3, title))
    foot = len(names) * _ROW + 14
    hours = [Markup('<text x="{}" y="{}">{}</text>').format(_NAMES + h * _CELL + 4, foot, h) for h in range(0, 24, 3)]
    return _picture(_NAMES + 24 * _CELL, foot + 4, [*drawn, *hours])


def _by_week(rows: Sequence[Day]) -> list[tuple[str, int, int, int]]:
    """Groups of days, at most about sixty."""
    size = max(7, -(-len(rows) // 60))
    groups = []
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        opened, resolved = sum(day.opened for day in some), sum(day.resolved for day in some)
        groups.append((f"{some[0].day:%d %b %y}", opened, resolved, some[-1].backlog))
    return groups


def _bar(name: str, x: float, width: float, share: float) -> Markup:
    top = _y(share)
    text = '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>'
    return Markup(text).format(name, round(x, 1), round(top, 1), round(width, 1), round(_y(0) - top, 1))


def _y(share: float) -> float:
    return 8 + (HEIGHT - FOOT - 8) * (1 - share)


def _scale(most: int) -> list[Markup]:
    """Zero and the maximum, each with its line."""
    text = '<line x1="{}" x2="{}" y1="{}" y2="{}"/><text class="scale" x="{}" y="{}">{}</text>'
    return [
        Markup(text).format(LEFT, WIDTH, _y(share), _y(share), LEFT - 6, _y(share) + 4, f"{round(most * share):,}")
        for share in (0, 1)
    ]


def _picture(width: int, height: int, inside: Sequence[Markup]) -> Markup:
    text = '<svg class="chart" viewBox="0 0 {} {}" aria-hidden="true" focusable="false">{}</svg>'
    return Markup(text).format(width, height, Markup("").join(inside))
