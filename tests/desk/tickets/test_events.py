"""Kinds of events are members of `EventKind`: nowhere is one written as a bare word where an event is made."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from desk.tickets.events import EventKind
from desk.tickets.ticket import Event
from desk.tickets.undo import MOVING

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("desk", "storage", "usecases", "workers", "gateway", "console", "cli")
MAKERS = {"Event", "_event", "_change"}


def _words(call: ast.Call) -> Iterator[str]:
    """The bare kinds among the arguments of one call."""
    function = call.func
    name = (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )
    given = [*call.args[:4], *(word.value for word in call.keywords if word.arg == "kind")] if name in MAKERS else []
    for argument in given:
        choices = [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]
        yield from (c.value for c in choices if isinstance(c, ast.Constant) and isinstance(c.value, str) and c.value)


def _compared(node: ast.Compare) -> Iterator[str]:
    """The bare words that the kind of an event is compared with."""
    left = node.left
    if isinstance(left, ast.Attribute) and left.attr == "kind" and ast.unparse(left.value) in ("event", "e"):
        yield from (c.value for c in ast.walk(node) if isinstance(c, ast.Constant) and isinstance(c.value, str))


def test_no_event_is_made_or_compared_with_a_bare_word_for_its_kind() -> None:
    kinds, bare = set(EventKind), []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                words = _words(node) if isinstance(node, ast.Call) else ()
                words = _compared(node) if isinstance(node, ast.Compare) else words
                if kinds & set(words):
                    bare.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert bare == []


def test_a_bare_word_is_found() -> None:
    call, comparison = ast.parse('Event(1, at, "opened", DESK)\nevent.kind in ("opened", "noted")').body
    assert isinstance(call, ast.Expr) and isinstance(call.value, ast.Call) and [*_words(call.value)] == ["opened"]
    assert isinstance(comparison, ast.Expr) and isinstance(comparison.value, ast.Compare)
    assert [*_compared(comparison.value)] == ["opened", "noted"]


def test_the_type_checker_knows_what_the_kind_of_an_event_is() -> None:
    assert Event.__annotations__["kind"] == "EventKind"


def test_a_kind_is_the_stored_word() -> None:
    assert EventKind("opened") is EventKind.OPENED
    assert f"{EventKind.SIDE_SENT}" == str(EventKind.SIDE_SENT) == "side_sent" in {"side_sent": 1}
    assert "split" in MOVING


def test_a_word_of_another_release_is_kept_and_joins_no_list() -> None:
    kind = EventKind("teleported")
    assert (kind, str(kind), isinstance(kind, EventKind)) == ("teleported", "teleported", True)
    assert kind not in set(EventKind)
