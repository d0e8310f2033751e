"""Custom fields: what people type becomes a value of the field's kind, or they hear what would be right."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from desk.tickets import fields
from desk.tickets.fields import BadField, Field, Kind
from desk.tickets.ticket import Ticket

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PLACE = Field("place", kind=Kind.CHOICE, choices=("Berlin", "Lyon"))


@pytest.mark.parametrize(
    ("field", "typed", "meant"),
    [
        (Field("a"), "  words ", "words"),
        (Field("a"), " ", None),
        (Field("a", kind=Kind.NUMBER), "12", 12),
        (Field("a", kind=Kind.NUMBER), "1,5", 1.5),
        (Field("a", kind=Kind.DATE), "2026-02-28", "2026-02-28"),
        (Field("a", kind=Kind.CHECKBOX), "on", True),
        (Field("a", kind=Kind.CHECKBOX), "", None),
        (PLACE, "Lyon", "Lyon"),
        (PLACE, "", None),
    ],
)
def test_what_is_typed_becomes_what_was_meant(field: Field, typed: str, meant: Any) -> None:
    assert fields.value(field, typed) == meant


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        (Field("a", kind=Kind.NUMBER), "many"),
        (Field("a", kind=Kind.NUMBER), "nan"),
        (Field("a", kind=Kind.NUMBER), "1e400"),
        (Field("a", kind=Kind.DATE), "30.2.2026"),
        (Field("a", kind=Kind.CHECKBOX), "perhaps"),
        (PLACE, "Rome"),
        (Field("a"), "x" * 5000),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_fields_title(field: Field, typed: str) -> None:
    with pytest.raises(BadField, match=field.title):
        fields.value(field, typed)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Place"},
        {"name": "a", "kind": "colour"},
        {"name": "a", "kind": "choice"},
        {"name": "a", "choices": ["x"]},
        {"nome": "a"},
    ],
)
def test_a_field_that_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadField):
        fields.read(wrong)


def test_a_field_belongs_to_its_categories_and_those_below() -> None:
    field = Field("invoice", categories=("Billing",), required=True)
    ticket = Ticket(1, "s", 1, NOW, NOW, category="Billing / Invoice")
    assert fields.missing([field], ticket) == (field,)
    assert fields.missing([field], Ticket(1, "s", 1, NOW, NOW, category="Billings")) == ()
    assert fields.missing([field], Ticket(1, "s", 1, NOW, NOW, category="Billing", fields={"invoice": "7"})) == ()
