"""Custom fields in the form and the API: asked where they belong, checked by the server, kept as they were typed."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from desk.tickets.fields import Field, Kind
from desk.tickets.form_fields import unpacked
from gateway.web import article_hints
from storage.knowledge.articles import Article
from tests.web.conftest import TYPED, Web
from usecases.tickets import custom_fields

FIELDS = (
    Field("seats", "How many seats?", Kind.NUMBER, required=True, public=True, position=1),
    Field("since", "Since when?", Kind.DATE, public=True, position=2),
    Field("invoice", "Invoice number", categories=("Billing",), required=True, public=True, position=3),
    Field("room", "Which room?", Kind.CHOICE, ("North", "South"), ("Facilities",), public=True, position=4),
    Field("still", "It stands still", Kind.CHECKBOX, public=True, position=5),
    Field("cost", "Cost centre", required=True),
)


class Inputs(HTMLParser):
    """What a browser would have in the form."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str | None]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag in ("input", "select", "textarea") and told.get("name"):
            self.found[str(told["name"])] = told


@pytest.fixture
def asking(web: Web) -> Web:
    with web.store.database.transaction() as session:
        for one in FIELDS:
            custom_fields.save(session, one)
    return web


def test_the_form_asks_for_public_fields_typed_and_marked(asking: Web) -> None:
    page = asking.client.get("/request").text
    found = Inputs(page).found
    assert [name for name in found if name.startswith("field-")] == [
        "field-seats", "field-since", "field-invoice", "field-room", "field-still",
    ]  # fmt: skip
    assert "required" in found["field-seats"] and "required" not in found["field-since"]
    assert found["field-since"]["type"] == "date" and found["field-still"]["type"] == "checkbox"
    assert "Cost centre" not in page
    assert page.count("<option") == 3 + 3 and 'class="field only topic-1"' in page and "Only for: Billing" in page


def test_a_form_without_fields_asks_for_no_topic(web: Web) -> None:
    assert "<select" not in web.client.get("/request").text


def test_the_address_may_choose_the_topic(asking: Web) -> None:
    assert "<option selected>Billing</option>" in asking.client.get("/request?category=Billing").text
    assert "selected>" not in asking.client.get("/request?category=Nonsense").text


def test_answers_travel_with_the_request(asking: Web) -> None:
    given = {"field-seats": "3", "field-since": "2026-03-01", "field-still": "yes", "field-invoice": "R-7"}
    assert asking.send(category="Billing", **given).status_code == 303
    (request,) = asking.requests()
    topic, answers = unpacked(request.fields)
    assert topic == "Billing" and ("verified", "no") in request.fields
    assert answers == {"seats": "3", "since": "2026-03-01", "still": "yes", "invoice": "R-7"}


def test_what_another_topic_asks_is_neither_needed_nor_kept(asking: Web) -> None:
    assert asking.send(**{"field-seats": "3", "field-invoice": "R-7"}).status_code == 303
    assert unpacked(asking.requests()[0].fields) == ("", {"seats": "3"})


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("field-seats", "", "Please fill this in"),
        ("field-seats", "three", "This must be a number"),
        ("field-since", "yesterday", "This must be a day"),
        ("field-room", "East", "Please choose one of those"),
        ("category", "Nonsense", "Please choose one of those"),
    ],
)
def test_a_mistake_is_named_and_everything_typed_is_kept(asking: Web, name: str, typed: str, sentence: str) -> None:
    good = {"category": "Facilities", "field-seats": "3", "field-since": "2026-03-01", "field-room": "South"}
    answer = asking.send(**(good | {"field-still": "yes"} | {name: typed}))
    assert answer.status_code == 422 and asking.rows() == []
    assert sentence in answer.text and f'href="#{name}"' in answer.text and f'id="{name}-wrong"' in answer.text
    found = Inputs(answer.text).found
    assert found["field-still"].get("checked", "no") is None
    if name.startswith("field-") and name != "field-room":
        assert found[name]["value"] == typed and found[name]["aria-invalid"] == "true"
        assert "<option selected>South</option>" in answer.text


def test_the_page_of_articles_carries_the_answers_along(asking: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Article(1, "Seats", "Buy them.", asking.now[0], asking.now[0])]
    monkeypatch.setattr(article_hints, "suggest_articles", lambda *_: found)
    answer = asking.send(**{"category": "Billing", "field-seats": "3", "field-invoice": "R-7", "field-still": "yes"})
    assert answer.status_code == 200
    held = Inputs(answer.text).found
    assert (held["category"]["value"], held["field-invoice"]["value"]) == ("Billing", "R-7")


def test_a_program_may_send_any_field_and_a_category(asking: Web) -> None:
    body = TYPED | {"category": "Billing", "fields": {"cost": "4711", "seats": 3, "still": True, "since": None}}
    assert asking.post(body).status_code == 202
    assert unpacked(asking.requests()[0].fields) == ("Billing", {"cost": "4711", "seats": "3", "still": "yes"})
    assert asking.post(TYPED).status_code == 202


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"fields": {"nonsense": "1"}}, "fields.nonsense"),
        ({"fields": {"seats": "many"}}, "fields.seats"),
        ({"fields": {"seats": [3]}}, "fields"),
        ({"fields": "seats"}, "fields"),
        ({"category": "Nonsense"}, "category"),
        ({"category": 3}, "category"),
    ],
)
def test_a_program_hears_which_field_is_wrong(asking: Web, more: dict[str, object], named: str) -> None:
    answer = asking.post(TYPED | more)
    assert answer.status_code == 422 and list(answer.json()["error"]["fields"]) == [named]
    assert asking.rows() == []


def test_a_program_hears_of_a_name_that_is_no_text_at_all(asking: Web) -> None:
    answer = asking.post(json.dumps(TYPED | {"fields": {"\ud800": "1"}}).encode())
    assert answer.status_code == 422 and answer.json()["error"]["message"]
    assert asking.rows() == []


def test_the_same_key_with_other_answers_is_refused(asking: Web) -> None:
    assert asking.post(TYPED | {"fields": {"seats": 3}}, key="k").status_code == 202
    assert asking.post(TYPED | {"fields": {"seats": 3}}, key="k").status_code == 202
    assert asking.post(TYPED | {"fields": {"seats": 4}}, key="k").status_code == 422
