"""How the command prints: JSON for programs, aligned columns for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from typing import Any

from storage.runtime.logging_setup import escaped

MOST_WIDTH = 60


def as_json(value: Any) -> None:
    """One JSON document; times in ISO 8601."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def table(found: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Rows under their column names; says so if there are none."""
    if not found:
        print("nothing there")
        return
    cells = [[_cell(row.get(column)) for column in columns] for row in found]
    widths = [max(len(column), *(len(line[n]) for line in cells)) for n, column in enumerate(columns)]
    for line in ([column.upper().replace("_", " ") for column in columns], *cells):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def fields(pairs: Mapping[str, Any]) -> None:
    """One name and value a line."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        print(f"{name.replace('_', ' ').ljust(width)}  {escaped(text_of(value))}")


def text_of(value: Any) -> str:
    """A value as a person reads it."""
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, (list, tuple)):
        return ", ".join(text_of(item) for item in value) or "-"
    return str(value)


def _cell(value: Any) -> str:
    text = escaped(text_of(value))
    return text if len(text) <= MOST_WIDTH else text[: MOST_WIDTH - 1] + "…"


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)
