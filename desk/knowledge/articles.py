"""Articles: what solved one ticket, written so that it solves the next. Their states, and the first draft.

It takes a requester's words, a resolution, and the names that must not stand in an article, and returns a draft, with
everything that was taken out, so that a person sees it before anybody else reads it. It knows nothing of rows and
pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from desk.access.permissions import Verb, may
from desk.tickets.ticket import NotAllowed


class State(StrEnum):
    DRAFT = "draft"
    REVIEW = "review"
    PUBLISHED = "published"
    RETIRED = "retired"


class Audience(StrEnum):
    INTERNAL = "internal"
    PUBLIC = "public"


MOVES: Mapping[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.REVIEW, State.PUBLISHED, State.RETIRED}),
    State.REVIEW: frozenset({State.DRAFT, State.PUBLISHED, State.RETIRED}),
    State.PUBLISHED: frozenset({State.DRAFT, State.RETIRED}),
    State.RETIRED: frozenset({State.DRAFT}),
}
LEADS_ONLY = frozenset({State.PUBLISHED, State.RETIRED})
"""What only leads and admins may make of an article."""
LONGEST_TITLE, LONGEST_TEXT = 300, 100_000

_PATTERNS = (
    ("address", re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")),
    ("number", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,4})?\b")),
    ("number", re.compile(r"(?<![\w.])(?!\d{4}-\d\d-\d\d\b)\+?\(?\d(?:[ ()/-]{0,2}\d){4,18}(?![\w])")),
)
_EMPTIED = re.compile(r"[\W_]*(?:\[(?:name|number|address)\][\W_]*)+")
_BLANK_LINES = re.compile(r"\n{3,}")
_NAME = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class Draft:
    """`removed` are (kind, words) that were replaced by `[kind]`."""

    title: str
    text: str
    removed: tuple[tuple[str, str], ...] = ()


def moved(now: State, wanted: State, role: str) -> State:
    """The next state, if that may follow and this role may say so."""
    if wanted is now:
        return now
    if wanted not in MOVES[now]:
        raise NotAllowed(f"an article that is {now} cannot become {wanted}")
    if wanted in LEADS_ONLY and not may(role, Verb.PUBLISH):
        raise NotAllowed(f"only leads and admins may make an article {wanted}")
    return wanted


def draft(subject: str, question: str, answer: str, people: Iterable[str]) -> Draft:
    """An article of a question and its answer, without addresses, numbers and names of the people around it."""
    names = _names(people)
    title, first = without_persons(subject, names)
    asked, second = without_persons(question.strip(), names)
    told, third = without_persons(answer.strip(), names)
    text = "\n\n".join(part for part in (_said(asked), _said(told)) if part)
    removed = tuple(dict.fromkeys((*first, *second, *third)))
    return Draft(title[:LONGEST_TITLE] or "Without a title", text[:LONGEST_TEXT], removed)


def without_persons(text: str, names: Iterable[str]) -> tuple[str, list[tuple[str, str]]]:
    """The text with `[address]`, `[number]` and `[name]` in place of what belongs to a person."""
    removed: list[tuple[str, str]] = []

    def kept_as(kind: str, found: re.Match[str]) -> str:
        removed.append((kind, found[0]))
        return f"[{kind}]"

    for kind, pattern in _PATTERNS:
        text = pattern.sub(lambda found, kind=kind: kept_as(kind, found), text)  # type: ignore[misc]
    known = sorted(names, key=len, reverse=True)
    if known:
        pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, known))})\b", re.IGNORECASE)
        text = pattern.sub(lambda found: kept_as("name", found), text)
    return text, removed


def _said(text: str) -> str:
    """Without lines of which nothing but names and numbers was left, such as a signature's."""
    return _BLANK_LINES.sub(
        "\n\n", "\n".join(line for line in text.split("\n") if not _EMPTIED.fullmatch(line))
    ).strip()


def _names(people: Iterable[str]) -> set[str]:
    """Each part of each person's name that could stand alone; an address gives what stands before its @."""
    return {part for name in people for part in _NAME.findall(name.partition("@")[0])}
