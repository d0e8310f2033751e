"""The examples from which the pair of priority models learns: sentences and mails written by rule for this project.

It reads the tables in classifier/data/priority, one a language: slots, and lines by situation whose heading says who
is hit and how badly. It returns texts with that label, the same every
time. It knows no model and no word of any language itself.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data" / "priority"
_HEADING = re.compile(r"\[(\w+)(?: (\w+))?(?:: (.+))?\]")
_SLOT = re.compile(r"\{(\w+)\}")
_CHOICE = re.compile(r"\(([^()|]*(?:\|[^()|]*)+)\)")
_MOST_TEXTS_A_LINE, _FEWEST_TEXTS_A_LINE = 9, 5
_SURROUNDINGS = ("greeting", "closing", "names", "context", "loud", "calm", "slots")


@dataclass(frozen=True, slots=True)
class Example:
    """A text, who is hit, how badly, and the situation that it tells."""

    text: str
    impact: str
    urgency: str
    situation: str
    language: str


@dataclass(frozen=True, slots=True)
class _Situation:
    impact: str
    urgency: str
    name: str
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Table:
    language: str
    slots: Mapping[str, Sequence[str]]
    around: Mapping[str, Sequence[str]]
    situations: Sequence[_Situation]


def examples() -> list[Example]:
    """All examples of all languages."""
    return [example for path in sorted(DATA.glob("*.txt")) for example in _of_table(_read(path))]


def checksum() -> str:
    """Of the tables: says whether a model was made from them."""
    digest = hashlib.sha256()
    for path in sorted(DATA.glob("*.txt")):
        digest.update(path.name.encode() + b"\n" + path.read_bytes())
    return digest.hexdigest()


def _of_table(table: _Table) -> Iterator[Example]:
    for situation in table.situations:
        for line in situation.lines:
            rng = random.Random(f"{table.language} {situation.name} {line}")
            texts = _MOST_TEXTS_A_LINE if _SLOT.search(line) else _FEWEST_TEXTS_A_LINE
            for text in dict.fromkeys(_mail(table, situation, line, rng) for _ in range(texts)):
                yield Example(text, situation.impact, situation.urgency, situation.name, table.language)


def _mail(table: _Table, situation: _Situation, line: str, rng: random.Random) -> str:
    """The line alone, or as people wrap it: nothing of what is around it changes how bad it is."""
    told = _filled(line, table, rng)
    if rng.random() < 0.35:
        return told
    if rng.random() < 0.15:
        told = _beside_something_small(told, table, situation, rng)
    around = table.around
    parts = [
        *_maybe(around["greeting"], 0.5, rng),
        *_maybe(around["loud"], 0.12, rng),
        *_maybe(around["calm"], 0.06, rng),
        *(_filled(part, table, rng) for part in _maybe(around["before"], 0.25, rng)),
        told if told[-1:] in ".!?" else told + rng.choice([".", ".", "", "!"]),
        *(_filled(part, table, rng) for part in _maybe(around["after"], 0.3, rng)),
        *_maybe(around["closing"], 0.4, rng),
        *_maybe(around["names"], 0.35, rng),
    ]
    return rng.choice([" ", "\n", "\n\n"]).join(parts)


def _beside_something_small(told: str, table: _Table, situation: _Situation, rng: random.Random) -> str:
    """A smaller matter before or behind it: the greater one decides."""
    small = [s for s in table.situations if s.impact == "one" and s.urgency in ("minor", "normal")]
    other = rng.choice(small)
    if situation.urgency == "minor" or other.name == "fyi" or (situation.urgency, other.urgency) == ("normal", "minor"):
        return told
    second = _filled(rng.choice(other.lines), table, rng)
    return f"{second}. {told}" if rng.random() < 0.6 else f"{told}. {second}"


def _maybe(choices: Sequence[str], chance: float, rng: random.Random) -> list[str]:
    return [rng.choice(choices)] if rng.random() < chance else []


def _filled(line: str, table: _Table, rng: random.Random) -> str:
    """The line with a value in every slot; a slot's value may have slots again."""
    for _ in range(4):
        line = _CHOICE.sub(lambda found: rng.choice(found[1].split("|")), line)
        line = _SLOT.sub(lambda found: rng.choice(table.slots[found[1]]), line)
    return line


def _read(path: Path) -> _Table:
    slots: dict[str, list[str]] = {}
    around: dict[str, list[str]] = {}
    situations: list[_Situation] = []
    for heading, lines in _sections(path.read_text(encoding="utf-8").splitlines()):
        first, second, name = heading
        if first == "slots":
            slots = {key.strip(): value.strip().split("|") for key, _, value in (ln.partition("=") for ln in lines)}
        elif first in _SURROUNDINGS:
            values = [value for line in lines for value in line.split("|")]
            around.setdefault(name if first == "context" else first, []).extend(values)
        else:
            situations.append(_Situation(first, second, name, lines))
    return _Table(path.stem, slots, around, situations)


def _sections(lines: Sequence[str]) -> Iterator[tuple[tuple[str, str, str], list[str]]]:
    heading, body = ("", "", ""), list[str]()
    for line in lines:
        found = _HEADING.fullmatch(line)
        if found:
            if heading[0]:
                yield heading, body
            heading, body = (found[1], found[2] or "", found[3] or ""), []
        elif line and not line.startswith("#"):
            body.append(line)
    yield heading, body
