"""Which fields a form asks for, and what becomes of what is typed into them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from desk.tickets.fields import Field, Kind
from desk.tickets.form_fields import checked, has_any, public, topics, unpacked

SEATS = Field("seats", "Seats", Kind.NUMBER, public=True, required=True)
INVOICE = Field("invoice", "Invoice", categories=("Billing",), public=True, required=True)
SECRET = Field("cost", "Cost centre", categories=("Finance",))


def test_only_public_fields_are_asked_for_and_their_categories_are_the_topics() -> None:
    assert public([SEATS, INVOICE, SECRET]) == [SEATS, INVOICE]
    assert topics([SEATS, INVOICE]) == ("Billing",) and topics([SEATS]) == ()


def test_fields_of_another_topic_are_neither_needed_nor_kept() -> None:
    answers = checked([SEATS, INVOICE], "", {"seats": "3", "invoice": "7"})
    assert answers.values == {"seats": 3} and not answers.missing and not answers.wrong
    assert checked([SEATS, INVOICE], "Billing", {"seats": "3"}).missing == (INVOICE,)
    assert checked([SEATS], "", {"seats": "three"}).wrong == (SEATS,)


@given(st.dictionaries(st.sampled_from(["seats", "invoice", "x"]), st.text(max_size=40)), st.text(max_size=20))
def test_what_is_packed_comes_out_again(typed: dict[str, str], topic: str) -> None:
    answers = checked([SEATS, INVOICE], topic, typed)
    again, texts = unpacked((("verified", "no"), *answers.pairs()))
    assert again == topic
    assert checked([SEATS, INVOICE], topic, texts).values == answers.values
    assert has_any(answers.pairs()) == bool(topic or answers.values)
