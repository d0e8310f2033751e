"""Text for spreadsheets: CSV that Excel reads as UTF-8, with no cell that a spreadsheet would run as a formula."""

from __future__ import annotations

import re

BOM = "\ufeff"
"""Excel takes a file without it for one of the machine's own code page. Programs read such a file as `utf-8-sig`."""
_SIGNS = "=+\\-@＝＋－＠﹢﹣﹦﹫⁼"
"""Full-width and small forms are made plain by some spreadsheets, and then they are formulas."""
_HIDDEN = "\\s\"'`´’‘“”„\u200b-\u200f\u2060\ufeff"
"""What a spreadsheet takes off the beginning of a cell."""
_FORMULA = re.compile(f"[{_HIDDEN}]*[{_SIGNS}]|[\t\r\n]")
_LATER = re.compile(f"(\r\n|[;\t\r\n|])(?=[{_HIDDEN}]*[{_SIGNS}])")
"""Where another separator is usual, a cell begins behind it."""


def safe_cell(text: str) -> str:
    """The text with an apostrophe before whatever would begin a formula: spreadsheets then show it as it is."""
    marked = _LATER.sub(r"\1'", text)
    return f"'{marked}" if _FORMULA.match(text) else marked
