"""Topics and custom fields of a request: those that the form shows, and the check of their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from desk.tickets import form_fields
from desk.tickets.fields import LONGEST, BadField, Field, Kind, value
from desk.tickets.form_fields import TOPIC, Answers
from gateway.web import texts
from storage.db.session import Session
from storage.learning import categories
from usecases.tickets import custom_fields

PREFIX = "field-"
"""Before a field's name in the form, so that none is taken for the subject."""


@dataclass(frozen=True, slots=True)
class FormFields:
    """The desk's custom fields and categories, as of a few seconds ago."""

    fields: tuple[Field, ...] = ()
    categories: frozenset[str] = frozenset()

    @property
    def asked(self) -> list[Field]:
        return form_fields.public(self.fields)

    @property
    def topics(self) -> tuple[str, ...]:
        return form_fields.topics(self.asked)

    def shown(self) -> list[tuple[Field, list[int]]]:
        """The fields with the numbers of the topics that ask for them; no number: all do."""
        numbers = {name: number for number, name in enumerate(self.topics, 1)}
        return [
            (one, [numbers[name] for name in self._topics_of(one) if name in numbers] if one.categories else [])
            for one in self.asked
        ]

    def _topics_of(self, one: Field) -> list[str]:
        """Also topics below one of its categories: "Billing / Invoice" has the fields of "Billing"."""
        return [
            topic for topic in self.topics if any(topic == c or topic.startswith(f"{c} / ") for c in one.categories)
        ]

    def labels(self) -> Mapping[str, str]:
        """The labels of the fields, for messages about them."""
        return {TOPIC: texts.PAGE["topic"]} | {f"{PREFIX}{one.name}": one.title for one in self.asked}

    def check_answers(self, topic: str, given: Mapping[str, str]) -> tuple[Answers, dict[str, str]]:
        """Checks values of the form: the valid answers, and a text for each invalid one."""
        if topic and topic not in self.topics:
            return Answers(), {TOPIC: texts.NOT_OFFERED}
        found = form_fields.checked(self.asked, topic, given)
        problems = {f"{PREFIX}{one.name}": _sentence(one, given.get(one.name, "")) for one in found.wrong}
        return found, problems | {f"{PREFIX}{one.name}": texts.NEEDED for one in found.missing}

    def check_values(self, topic: str, given: Mapping[str, object]) -> tuple[Answers, dict[str, str]]:
        """Checks values of the API, which may set any field of the desk and must set none."""
        problems = {} if not topic or topic in self.categories else {TOPIC: texts.NOT_OFFERED}
        known, values = {one.name: one for one in self.fields}, {}
        for name, typed in given.items():
            try:
                found = value(known[name], typed) if name in known else None
            except BadField:
                problems[f"fields.{name}"] = _sentence(known[name], str(typed))
                continue
            if name not in known:
                shown = name[:100].encode("ascii", "replace").decode()
                problems[f"fields.{shown}"] = texts.UNKNOWN_FIELD.format(allowed=", ".join(known) or "none")
            elif found is not None:
                values[name] = found
        return Answers(topic, values), problems


def read_form_fields(session: Session) -> FormFields:
    known = tuple(custom_fields.list_all(session))
    named = {one.name for one in categories.list_all(session) if one.active}
    return FormFields(known, frozenset(named | {name for one in known for name in one.categories}))


def _sentence(one: Field, typed: str) -> str:
    if len(typed) > LONGEST:
        return texts.TOO_LONG.format(most=LONGEST)
    return {
        Kind.NUMBER: texts.NOT_A_NUMBER,
        Kind.DATE: texts.NOT_A_DATE,
        Kind.CHOICE: texts.NOT_OFFERED,
        Kind.CHECKBOX: texts.NOT_YES_OR_NO,
    }.get(one.kind, texts.NOT_TEXT)
