"""What a form asks besides the request itself: which custom fields, for which topic, and what becomes of the answers.

It takes the desk's fields and what a requester typed, and returns topics to choose from, the fields of a topic,
checked values or the fields that are wrong; and the same as the plain pairs that an InboundRequest carries. It knows
nothing of pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from desk.tickets.fields import BadField, Field, applies, value

TOPIC = "category"
_PREFIX = "field."
MOST_TOPICS = 40

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered; `wrong` are fields whose value cannot be meant, `missing` the required ones without any."""

    topic: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    wrong: tuple[Field, ...] = ()
    missing: tuple[Field, ...] = ()

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """As an InboundRequest carries them."""
        topic = ((TOPIC, self.topic),) if self.topic else ()
        return (*topic, *((f"{_PREFIX}{name}", _text(one)) for name, one in sorted(self.values.items())))


def public(known: Iterable[Field]) -> list[Field]:
    """The fields that requesters are asked for."""
    return [one for one in known if one.public]


def topics(asked: Iterable[Field]) -> tuple[str, ...]:
    """What a requester chooses from, where fields belong to categories; none where all belong to all."""
    return tuple(sorted({name for one in asked for name in one.categories})[:MOST_TOPICS])


def checked(asked: Sequence[Field], topic: str, given: Mapping[str, object]) -> Answers:
    """The answers to those of the fields that belong to the topic; what was typed into others is left out."""
    values: dict[str, Value] = {}
    wrong, missing = [], []
    for one in asked:
        if not applies(one, topic or None):
            continue
        try:
            found = value(one, given.get(one.name))
        except BadField:
            wrong.append(one)
            continue
        if found is not None:
            values[one.name] = found
        elif one.required:
            missing.append(one)
    return Answers(topic, values, tuple(wrong), tuple(missing))


def has_any(pairs: Iterable[tuple[str, str]]) -> bool:
    """Whether a request carries answers; mails do not."""
    return any(name == TOPIC or name.startswith(_PREFIX) for name, _ in pairs)


def unpacked(pairs: Iterable[tuple[str, str]]) -> tuple[str, dict[str, str]]:
    """The topic and the answers of a request, as texts."""
    told = dict(pairs)
    answers = {name.removeprefix(_PREFIX): text for name, text in told.items() if name.startswith(_PREFIX)}
    return told.get(TOPIC, ""), answers


def _text(one: Value) -> str:
    return "yes" if one is True else str(one)
