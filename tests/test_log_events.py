"""Log entries are events with fields: a constant name of something that happened, and no sentence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("desk", "storage", "classifier", "usecases", "gateway", "workers", "console", "cli")
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
IRREGULAR = {
    "sent",
    "left",
    "broke",
    "fell",
    "went",
    "done",
    "read",
    "written",
    "begun",
    "found",
    "let",
    "ran",
    "caught",
    "rebuilt",
    "given",
    "understood",
    "made",
    "broken",
}


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if _is_log_call(node):
                    assert isinstance(node, ast.Call)
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def _is_log_call(node: ast.AST) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    is_ours = isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "log"
    return is_ours and isinstance(called, ast.Attribute) and called.attr in LEVELS


def _is_past(name: str) -> bool:
    return any(word.endswith("ed") or word in IRREGULAR for word in name.split("_"))


def test_every_entry_is_a_constant_name_in_snake_case_of_something_that_happened() -> None:
    wrong = []
    for place, call in _calls():
        name = call.args[0].value if len(call.args) == 1 and isinstance(call.args[0], ast.Constant) else None
        if not (isinstance(name, str) and re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", name) and _is_past(name)):
            wrong.append(f"{place}: {name}")
    assert wrong == []


def test_there_are_entries_to_look_at() -> None:
    assert len(list(_calls())) > 50
