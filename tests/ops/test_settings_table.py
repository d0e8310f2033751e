"""The table of settings in docs/running.md: every setting once, with its default; none that does not exist."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from desk.config.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "running.md"
DEFAULTS: dict[str, Any] = {f"FRONTDESK_{field.name.upper()}": field.default for field in fields(Settings)}
_NAME = re.compile(r"`(FRONTDESK_[A-Z_]+\*?)`")
_VALUE = re.compile(r"`[^`]*`|\d+|yes|no")


def rows(text: str) -> list[tuple[list[str], list[str]]]:
    """The names of each row, and what its second column says of each of them."""
    cells = [
        [cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.startswith("| `FRONTDESK_")
    ]
    return [(_NAME.findall(cell[1]), _split(cell[2], len(_NAME.findall(cell[1])))) for cell in cells]


def _split(cell: str, count: int) -> list[str]:
    parts = cell.split(", ")
    return parts if count > 1 and len(parts) == count else [cell] * count


def faults(table: list[tuple[list[str], list[str]]], defaults: dict[str, Any]) -> list[str]:
    stated = {name: cell for names, cells in table for name, cell in zip(names, cells, strict=True)}
    families = [name[:-1] for name in stated if name.endswith("*")]
    missing = [name for name in defaults if name not in stated and not name.startswith(tuple(families))]
    unknown = [name for name in stated if not name.endswith("*") and name not in defaults]
    wrong = [name for name, cell in stated.items() if name in defaults and not _fits(cell, defaults[name])]
    return [*(f"missing {n}" for n in missing), *(f"unknown {n}" for n in unknown), *(f"default of {n}" for n in wrong)]


def _fits(cell: str, default: Any) -> bool:
    """An empty default is told in words; any other one is written as one writes the setting."""
    if default in ("", ()):
        return _VALUE.fullmatch(cell) is None
    if isinstance(default, bool):
        return cell == ("yes" if default else "no")
    return cell.replace("`", "") == (", ".join(default) if isinstance(default, tuple) else str(default))


def test_every_setting_stands_in_the_table_with_its_default() -> None:
    assert faults(rows(PAGE.read_text(encoding="utf-8")), DEFAULTS) == []


def test_no_setting_has_two_rows() -> None:
    names = [name for row, _ in rows(PAGE.read_text(encoding="utf-8")) for name in row]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("", "missing FRONTDESK_SIZE"),
        ("| `FRONTDESK_SIZE` | 2 | |", "default of FRONTDESK_SIZE"),
        ("| `FRONTDESK_SIZE` | none | |", "default of FRONTDESK_SIZE"),
        ("| `FRONTDESK_SIZE`, `FRONTDESK_COLOUR` | 3, 4 | |", "unknown FRONTDESK_COLOUR"),
    ],
)
def test_a_table_that_is_wrong_is_noticed(row: str, fault: str) -> None:
    assert fault in faults(rows(row), {"FRONTDESK_SIZE": 3})
