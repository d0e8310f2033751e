"""Custom fields: what a desk wants to know of a ticket beside its columns, typed, for all or for some categories.

It takes what people typed, and returns checked values as JSON has them, or BadField with what would be right. It does
not know where fields are kept and shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Any

from desk.tickets.ticket import NotAllowed, Ticket

LONGEST = 2_000
MOST_CHOICES = 200
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_YES, _NO = ("yes", "true", "on", "1"), ("no", "false", "off", "0")


class BadField(NotAllowed):
    """A field or a value that cannot be meant."""


class Kind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    CHECKBOX = "checkbox"


@dataclass(frozen=True, slots=True)
class Field:
    """`categories`: only tickets of these (or below them) have it; none: all. `required`: before a ticket is resolved.

    `public`: requesters are asked for it in the form, and see it.
    """

    name: str
    label: str = ""
    kind: Kind = Kind.TEXT
    choices: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    required: bool = False
    public: bool = False
    position: int = 0

    @property
    def title(self) -> str:
        return self.label or self.name.replace("_", " ").capitalize()


def read(given: Mapping[str, Any]) -> Field:
    """A field as configuration, a form or a row gives it."""
    known = {f.name for f in fields(Field)}
    for name in given:
        if name not in known:
            raise BadField(f"{name!r} is nothing that a field has; it has {', '.join(sorted(known))}")
    name, kind = str(given.get("name", "")), str(given.get("kind", Kind.TEXT))
    if not _NAME.fullmatch(name):
        raise BadField(f"{name!r} should be small letters, digits and _, beginning with a letter")
    if kind not in set(Kind):
        raise BadField(f"{name}: {kind!r} is no kind; there are {', '.join(Kind)}")
    choices = tuple(dict.fromkeys(str(one).strip() for one in given.get("choices", ()) if str(one).strip()))
    if (Kind(kind) is Kind.CHOICE) != bool(choices) or len(choices) > MOST_CHOICES:
        raise BadField(f"{name}: a choice has 1 to {MOST_CHOICES} choices, and other kinds have none")
    listed = {"choices": choices, "categories": tuple(map(str, given.get("categories", ())))}
    return Field(**{**given, "name": name, "kind": Kind(kind), **listed})


def applies(field: Field, category: str | None) -> bool:
    """Whether tickets of that category have it."""
    if not field.categories:
        return True
    return any(category == one or (category or "").startswith(f"{one} / ") for one in field.categories)


def value(field: Field, given: Any) -> str | int | float | bool | None:
    """The value that was meant; None for nothing."""
    if field.kind is Kind.CHECKBOX:
        return _yes_or_no(field, given)
    text = "" if given is None else str(given).strip()
    if not text:
        return None
    if field.kind is Kind.NUMBER:
        return _number(field, text)
    if field.kind is Kind.DATE:
        return _date(field, text)
    if field.kind is Kind.CHOICE and text not in field.choices:
        raise BadField(f"{field.title} should be one of {', '.join(field.choices)}")
    if len(text) > LONGEST:
        raise BadField(f"{field.title} has at most {LONGEST} characters")
    return "".join(letter for letter in text if letter.isprintable() or letter == "\n")


def missing(known: Iterable[Field], ticket: Ticket) -> tuple[Field, ...]:
    """The required fields that this ticket has nothing in."""
    wanted = [field for field in known if field.required and applies(field, ticket.category)]
    return tuple(field for field in wanted if ticket.fields.get(field.name) in (None, "", False))


class Unfilled(NotAllowed):
    """A ticket cannot be resolved before these are filled in."""

    def __init__(self, empty: Sequence[Field]) -> None:
        self.empty = tuple(empty)
        titles = ", ".join(field.title for field in empty)
        super().__init__(f"before it is resolved, {titles} should be filled in")


def of_category(known: Sequence[Field], ticket: Ticket) -> list[Field]:
    """The fields to show: those of its category, and others that have something in them already."""
    return [field for field in known if applies(field, ticket.category) or field.name in ticket.fields]


def _yes_or_no(field: Field, given: Any) -> bool | None:
    text = str(given or "").strip().lower()
    if text in _YES:
        return True
    if text in ("", *_NO):
        return None
    raise BadField(f"{field.title} should be yes or no")


def _number(field: Field, text: str) -> int | float:
    try:
        number = float(text.replace(",", ".", 1) if text.count(",") == 1 and "." not in text else text)
    except ValueError:
        raise BadField(f"{field.title} should be a number") from None
    if not -1e15 < number < 1e15:
        raise BadField(f"{field.title} should be a number of reasonable size")
    return int(number) if number.is_integer() else number


def _date(field: Field, text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadField(f"{field.title} should be a date such as 2026-11-30") from None
