"""Keyword rules: words that an admin wrote down, and the category that they mean. A layer of its own beside the model.

It takes rules and a text, and returns the first rule that fits, with the words that were found. A hard rule decides
the category; a soft one is heard only where the model is not sure enough to act. Neither touches the model's
probability. Case and accents do not count, words are whole words, `invoice*` is any word that begins so, and a phrase
is words in a row. It does not know where rules are kept and what the model says.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

MOST_WORDS = 200
LONGEST_PHRASE = 100
LOOKED_AT = 20_000
_TOKEN = re.compile(r"\w+")
_NO_SPACES = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Scripts that put no space between words: there a phrase is found anywhere."""


class BadRule(ValueError):
    """The rule cannot work; the text says why."""


@dataclass(frozen=True, slots=True)
class Words:
    """All of these, any of these, none of these."""

    every: tuple[str, ...] = ()
    some: tuple[str, ...] = ()
    none: tuple[str, ...] = ()

    def to_json(self) -> dict[str, list[str]]:
        return {"all": list(self.every), "any": list(self.some), "none": list(self.none)}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; the lower position is asked first, hard ones before soft ones."""

    name: str
    category: str
    words: Words
    hard: bool = False
    position: int = 0

    def fingerprint(self) -> str:
        """Another one whenever the rule would act otherwise: a test counts for the rule that was tested."""
        content = json.dumps([self.category, self.words.to_json(), self.hard], ensure_ascii=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Found:
    """The rule that fits, and which of its words stand in the text."""

    rule: Rule
    words: tuple[str, ...]

    @property
    def why(self) -> str:
        """The reason as agents read it."""
        said = ", ".join(f"“{word}”" for word in self.words[:5])
        return f"rule “{self.rule.name}”" + (f": the text has {said}" if said else "")


@dataclass(frozen=True)
class Rulebook:
    """The rules that are switched on, ready to be asked for one text after the other."""

    rules: tuple[Rule, ...] = ()

    def find(self, text: str) -> Found | None:
        """The first rule that fits."""
        if not self.rules:
            return None
        here = self._found_in(text)
        for rule in self._ordered:
            wanted = rule.words
            if any(word in here for word in wanted.none) or not all(word in here for word in wanted.every):
                continue
            some = tuple(word for word in wanted.some if word in here)
            if some or not wanted.some:
                return Found(rule, (*wanted.every, *some))
        return None

    def _found_in(self, text: str) -> set[str]:
        """Which of all phrases stand in the text: one pass over its words."""
        plain = fold(text[:LOOKED_AT])
        tokens = _TOKEN.findall(plain)
        heads, prefixes, anywhere = self._phrases
        found = {phrase for phrase in anywhere if phrase.rstrip("*") in plain}
        for place, token in enumerate(tokens):
            for rest, phrase in heads.get(token, ()):
                if tuple(tokens[place + 1 : place + 1 + len(rest)]) == rest:
                    found.add(phrase)
            if prefixes and token.startswith(prefixes):
                found.update(f"{prefix}*" for prefix in prefixes if token.startswith(prefix))
        return found

    @cached_property
    def _ordered(self) -> tuple[Rule, ...]:
        return tuple(sorted(self.rules, key=lambda rule: (not rule.hard, rule.position, rule.name)))

    @cached_property
    def _phrases(self) -> tuple[dict[str, list[tuple[tuple[str, ...], str]]], tuple[str, ...], tuple[str, ...]]:
        """By first word; beginnings of words; those of scripts without spaces."""
        every = {
            p for rule in self.rules for part in (rule.words.every, rule.words.some, rule.words.none) for p in part
        }
        heads: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        prefixes, anywhere = [], []
        for phrase in sorted(every):
            if _NO_SPACES.search(phrase):
                anywhere.append(phrase)
            elif phrase.endswith("*"):
                prefixes.append(phrase[:-1])
            else:
                first, *rest = _TOKEN.findall(phrase)
                heads.setdefault(first, []).append((tuple(rest), phrase))
        return heads, tuple(prefixes), tuple(anywhere)


def fold(text: str) -> str:
    """Without case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in plain if not unicodedata.combining(c)))


def words_of(every: Sequence[str] = (), some: Sequence[str] = (), none: Sequence[str] = ()) -> Words:
    """Words as somebody typed them; raises BadRule if nothing could ever be found by them."""
    made = Words(_phrases_of(every), _phrases_of(some), _phrases_of(none))
    if not made.every and not made.some:
        raise BadRule("a rule needs words that must be there: all of some, or any of some")
    if sum(map(len, (made.every, made.some, made.none))) > MOST_WORDS:
        raise BadRule(f"a rule has at most {MOST_WORDS} words and phrases")
    return made


def from_json(value: Mapping[str, Any]) -> Words:
    return Words(*(tuple(str(word) for word in value.get(name, ())) for name in ("all", "any", "none")))


def _phrases_of(typed: Sequence[str]) -> tuple[str, ...]:
    """Folded, with single spaces, each once; a star counts only at the end of a single word."""
    phrases = []
    for text in typed:
        plain = " ".join(fold(text).split())[:LONGEST_PHRASE]
        star = "*" if plain.endswith("*") else ""
        tokens = _TOKEN.findall(plain)
        if star and len(tokens) != 1:
            raise BadRule(f"{text!r}: a star may end one word, not a phrase")
        if star and len(tokens[0]) < 3:
            raise BadRule(f"{text!r}: a beginning needs three letters or more")
        if tokens:
            phrases.append(" ".join(tokens) + star)
    return tuple(dict.fromkeys(phrases))


@dataclass(frozen=True, slots=True)
class Past:
    """A past ticket: what the model guessed, and the category that it ended with; `said` if an agent gave it."""

    ticket_id: int
    subject: str
    text: str
    outcome: str
    guessed: str | None
    category: str | None
    said: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """What a rule would have changed; `agreed` of them as agents had them, `unknown` without an agent's word."""

    looked_at: int
    fitted: int
    changed: tuple[tuple[int, str, str | None, bool | None], ...]

    @property
    def agreed(self) -> int:
        return sum(right is True for *_, right in self.changed)

    @property
    def unknown(self) -> int:
        return sum(right is None for *_, right in self.changed)

    @property
    def sentence(self) -> str:
        count = len(self.changed)
        if not count:
            return f"would have changed none of {self.looked_at} tickets ({self.fitted} have the words)"
        known = f"{self.agreed} of them as agents had them"
        silent = f", for {self.unknown} no agent ever said" if self.unknown else ""
        return f"would have changed {count} ticket{'' if count == 1 else 's'}, {known}{silent}"


def tried(rule: Rule, past: Sequence[Past]) -> Trial:
    """The rule against past tickets, as if it had been switched on alone."""
    book, fitted, changed = Rulebook((rule,)), 0, []
    for ticket in past:
        if book.find(ticket.text) is None:
            continue
        fitted += 1
        had = ticket.guessed if ticket.outcome == "automatic" else None
        if had == rule.category or (not rule.hard and ticket.outcome == "automatic"):
            continue
        right = ticket.category == rule.category if ticket.said else None
        changed.append((ticket.ticket_id, ticket.subject, ticket.category, right))
    return Trial(len(past), fitted, tuple(changed))
