"""Reads the signs of urgency in a text: who is hit, what has failed, what speaks against it.

It takes the text, and returns impact and urgency with the words that made them. A sign counts only inside its clause:
those who are hit must stand near the failure; what is over, negated, planned or imagined is no failure. It knows no
priority.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from itertools import islice

from desk.priority import words as priority_words
from desk.priority.clauses import Clause, Sign, clauses
from desk.text.phrase_matcher import NUMBER, SOFT, Mark, Phrases, quoted

MANY = 5
"""From so many people on it is many users."""
MOST_CLAUSES = 12
"""So many clauses that say something are heard: who needs more to say how urgent it is does not say it."""
_AFTER, _BEFORE = 5, 4
"""How many words a verb may stand behind or before its "not"."""
_FAR, _SUBJECT = 14, 6
"""How many words a failure may stand from those whom it hits, and from its subject."""


class Impact(StrEnum):
    MANY = "many"
    TEAM = "team"
    ONE = "one"


class Urgency(StrEnum):
    BLOCKED = "blocked"
    DEGRADED = "degraded"
    NORMAL = "normal"
    MINOR = "minor"


@dataclass(frozen=True, slots=True)
class Signs:
    """What was found; `reasons` are sentences that quote the text."""

    impact: Impact
    urgency: Urgency
    reasons: tuple[str, ...] = ()


@dataclass(slots=True)
class _Story:
    """What the clauses said so far, in the order of the text."""

    failures: list[Sign] = field(default_factory=list)
    hit: list[tuple[Impact, Sign]] = field(default_factory=list)
    over: Sign | None = None
    small: dict[str, Sign] = field(default_factory=dict)
    eased: Sign | None = None
    pressed: Sign | None = None
    grave: list[tuple[str, Sign]] = field(default_factory=list)
    alone: Sign | None = None
    maybe_hit: list[Sign] = field(default_factory=list)


def read(text: str) -> Signs:
    """The signs of one text."""
    return heard(text, *find(text))


def find(text: str) -> tuple[list[Mark], list[str]]:
    """The marks of a text and its tokens."""
    return _words().find(text)


def heard(text: str, marks: Sequence[Mark], tokens: Sequence[str]) -> Signs:
    """The signs of a text whose marks and tokens are at hand."""
    if _TELLING.isdisjoint([mark.kind for mark in marks]):
        return _NOTHING
    story = _Story()
    for clause in islice(clauses(marks, tokens, _SAYING), MOST_CLAUSES):
        _hear(story, clause)
    impact, urgency, signs = _verdict(story)
    reasons = (f"'{quoted(text, sign.start, sign.end)}': {sign.says}" for sign in signs)
    return Signs(impact, urgency, tuple(dict.fromkeys(reasons)))


def tells(text: str) -> bool:
    """Whether any word of it speaks of a failure, of somebody's wish, or of an end."""
    return any(mark.kind in _TELLING for mark in _words().find(text)[0])


@cache
def _words() -> Phrases:
    return Phrases((kind, phrase) for kind, phrase in priority_words.rows() if kind != "for")


def _hear(story: _Story, clause: Clause) -> None:
    """Add what one clause says. Most clauses have few kinds, so each step asks first whether it is concerned."""
    kinds = clause.by_kind
    for kind in _SMALL:
        if kind in kinds:
            mark = kinds[kind][0]
            story.small.setdefault(kind, Sign(mark.start, mark.end, _SMALL[kind]))
    if "resolved" in kinds and _is_over(story, clause):
        return
    if "whatif" in kinds or "planned" in kinds or ("was" in kinds and "past" in kinds and "still" not in kinds):
        return
    if not _CIRCUMSTANCES.isdisjoint(kinds):
        _hear_circumstances(story, clause)
    failures = [] if _FAILING.isdisjoint(kinds) else list(_failures(clause))
    if failures:
        story.over = None
        story.failures += failures
        story.hit += _hit(clause, failures)
    if "affects" in kinds:
        link = kinds["affects"][0]
        named = (sign for impact, sign in _scopes(clause) if impact is Impact.MANY)
        story.maybe_hit += [sign for sign in named if abs(sign.start - link.start) <= _FAR]


def _is_over(story: _Story, clause: Clause) -> bool:
    """Whether the clause says so; then what came before it counts no more."""
    over = next((m for m in clause.of("resolved") if not clause.before(m, 3, "not", "cannot", "nobody")), None)
    if over is None:
        return False
    story.over = Sign(over.start, over.end, "it is over")
    story.failures, story.hit, story.maybe_hit, story.grave = [], [], [], []
    return True


def _hear_circumstances(story: _Story, clause: Clause) -> None:
    for mark in clause.of("alone"):
        story.alone = Sign(mark.start, mark.end, "only the requester is hit")
    for mark in clause.of("sometimes", "workaround"):
        story.eased = Sign(mark.start, mark.end, "the work can go on")
    for kind, says in _GRAVE.items():
        story.grave += [(kind, Sign(m.start, m.end, says)) for m in clause.of(kind) if not clause.before(m, 2, "not")]
    for mark in clause.of("deadline"):
        story.pressed = Sign(mark.start, mark.end, "it has to be done soon")
    if clause.of("must") and clause.of("soon"):
        must, soon = clause.of("must")[0], clause.of("soon")[0]
        start, end = min(must.start, soon.start), max(must.end, soon.end)
        story.pressed = story.pressed or Sign(start, end, "it has to be done soon")


def _failures(clause: Clause) -> Iterator[Sign]:
    """What does not work, in the order of the kinds."""
    for mark in clause.of("block"):
        if not clause.before(mark, 2, "not"):
            yield Sign(mark.start, mark.end, "blocks work", "block")
    for mark in clause.of("down", "fail", "slow"):
        if clause.before(mark, 2, "not"):
            continue
        thing = _thing(clause, mark) if mark.kind != "slow" else None
        yield _broken(mark, thing)
    yield from _negated(clause)


def _thing(clause: Clause, mark: Mark) -> Mark | None:
    """What is broken, if it is something that work cannot go on without."""
    kinds = ("essential", "shared") if mark.kind == "down" else ("essential",)
    return clause.before(mark, _SUBJECT, *kinds) or clause.behind(mark, _AFTER, *kinds)


def _broken(mark: Mark, thing: Mark | None) -> Sign:
    if thing is None:
        return Sign(mark.start, mark.end, "something does not work as it should", mark.kind)
    start, end = min(mark.start, thing.start), max(mark.end, thing.end)
    return Sign(start, end, "blocks work", mark.kind)


def _negated(clause: Clause) -> Iterator[Sign]:
    """A verb beside its "not", "cannot" or "nobody"."""
    for mark in clause.of("cannot", "not", "nobody"):
        most = _AFTER + 3 if mark.kind == "nobody" else _AFTER
        if mark.kind == "nobody" and clause.behind(mark, 3, "talk"):
            continue
        verb = clause.behind(mark, most, "core") or _unparted(clause, mark, "core")
        if verb is not None:
            yield Sign(min(mark.start, verb.start), max(mark.end, verb.end), "blocks work", mark.kind)
            continue
        verb = clause.behind(mark, most, "verb") or _unparted(clause, mark, "verb")
        if verb is not None:
            yield _undone(clause, mark, verb)
        elif mark.kind == "cannot":
            yield Sign(mark.start, mark.end, "something does not work as it should", mark.kind)


def _unparted(clause: Clause, mark: Mark, kind: str) -> Mark | None:
    found = clause.before(mark, _BEFORE, kind)
    return found if found and not clause.parted(found, mark, SOFT) else None


def _undone(clause: Clause, mark: Mark, verb: Mark) -> Sign:
    start, end = min(mark.start, verb.start), max(mark.end, verb.end)
    whole = Mark(mark.kind, start, end)
    thing = clause.before(whole, _SUBJECT, "essential")
    if mark.kind == "nobody":
        return Sign(start, end, "blocks work", mark.kind)
    if thing is not None and not clause.parted(thing, whole, SOFT):
        return Sign(thing.start, end, "blocks work", mark.kind)
    return Sign(start, end, "something does not work as it should", mark.kind)


def _hit(clause: Clause, failures: Sequence[Sign]) -> Iterator[tuple[Impact, Sign]]:
    """Those who stand near a failure in such a way that it hits them."""
    for impact, who in _scopes(clause):
        for failure in failures:
            if _is_hit(clause, who, failure):
                start, end = min(who.start, failure.start), max(who.end, failure.end)
                yield impact, Sign(start, end, _HIT[impact], failure.kind)
                break
    for mark in clause.of("down"):
        thing = clause.before(mark, _SUBJECT, "shared") or clause.behind(mark, _AFTER, "shared")
        if thing and not clause.before(mark, 2, "not") and not clause.before(thing, 0, "mine"):
            start, end = min(mark.start, thing.start), max(mark.end, thing.end)
            yield Impact.MANY, Sign(start, end, "what many users share is down", "down")


def _is_hit(clause: Clause, who: Sign, failure: Sign) -> bool:
    gap = max(failure.start - who.end, who.start - failure.end, 0)
    if gap > _FAR or clause.parted(who, failure, "glad", "alone"):
        return False
    if who.start <= failure.start:
        return gap <= _SUBJECT if who.kind in ("people", "group") else True
    if who.kind == "people":
        return False
    stated = failure.kind not in ("cannot", "not") or clause.parted(who, failure, SOFT, "affects")
    return clause.for_(who) or (who.kind != "group" and (stated or who.kind == "everyone"))


def _scopes(clause: Clause) -> Iterator[tuple[Impact, Sign]]:
    """All who are named, whether something hits them or not."""
    for mark in clause.of("everyone", "nobody"):
        if mark.kind == "everyone" or not clause.behind(mark, 3, "talk"):
            yield Impact.MANY, Sign(mark.start, mark.end, "", mark.kind)
    for mark in clause.of("few"):
        yield Impact.TEAM, Sign(mark.start, mark.end, "", "few")
    for mark in clause.of("all"):
        noun = clause.behind(mark, 2, "people", "member", "group", "shared")
        if noun:
            yield Impact.MANY, Sign(mark.start, noun.end, "", "all")
    for mark in clause.of(NUMBER):
        noun = clause.behind(mark, 1, "people", "member", "group") or clause.behind(mark, 2, "member")
        if noun and mark.number > 1 and not _is_code(mark, noun):
            many = mark.number >= MANY or noun.kind == "group"
            yield (Impact.MANY if many else Impact.TEAM), Sign(mark.start, noun.end, "", "number")
    for mark in clause.of("people", "group"):
        named = mark.kind == "people" or mark.end - mark.start > 1
        yield (Impact.MANY if named else Impact.TEAM), Sign(mark.start, mark.end, "", mark.kind)


def _is_code(mark: Mark, noun: Mark) -> bool:
    """Error 500 and the year 2026 are no people."""
    return (400 <= mark.number < 600 or 1900 < mark.number < 2100) and noun.start > mark.end


def _verdict(story: _Story) -> tuple[Impact, Urgency, list[Sign]]:
    """What the whole text says."""
    grave = next((pair for kind in _GRAVE for pair in story.grave if pair[0] == kind), None)
    if grave:
        kind, sign = grave
        return (Impact.ONE if kind == "theft" else Impact.MANY), Urgency.BLOCKED, [sign]
    impact, who = _impact(story)
    urgency, why = _urgency(story, impact)
    return impact, urgency, [sign for sign in (who, why, story.alone) if sign is not None]


def _impact(story: _Story) -> tuple[Impact, Sign | None]:
    many = [sign for impact, sign in story.hit if impact is Impact.MANY]
    team = [sign for impact, sign in story.hit if impact is Impact.TEAM]
    if story.failures and not many and any(f.kind != "slow" for f in story.failures):
        many = [Sign(s.start, s.end, _HIT[Impact.MANY]) for s in story.maybe_hit]
    if story.alone:
        many = [sign for sign in many if sign.kind == "nobody"]
    if many:
        return Impact.MANY, many[0]
    return (Impact.TEAM, team[0]) if team else (Impact.ONE, None)


def _urgency(story: _Story, impact: Impact) -> tuple[Urgency, Sign | None]:
    blocks = next((f for f in story.failures if f.says == "blocks work"), None)
    worst = blocks or next(iter(story.failures), None)
    small = next(iter(story.small.values()), None)
    if impact is Impact.MANY and worst:
        slight = small and not blocks and "question" not in story.small
        return (Urgency.MINOR, small) if slight else (Urgency.BLOCKED if blocks else Urgency.DEGRADED, None)
    if worst is None:
        over = story.over or small
        return (Urgency.MINOR, over) if over else (Urgency.NORMAL, None)
    waits = story.small.get("minor")
    if blocks:
        if waits:
            return Urgency.NORMAL, waits
        return (Urgency.DEGRADED, story.eased) if story.eased else (Urgency.BLOCKED, blocks)
    if small and set(story.small) != {"question"}:
        return Urgency.MINOR, small
    if story.pressed and not story.eased and worst.kind != "slow":
        return Urgency.BLOCKED, story.pressed
    return Urgency.DEGRADED, worst


_SMALL = {
    "minor": "the requester says that it can wait",
    "cosmetic": "a matter of looks",
    "wish": "a wish or an idea",
    "question": "a question",
}
_GRAVE = {
    "danger": "somebody may be in danger",
    "breach": "a security incident",
    "theft": "something may be in wrong hands",
}
"""The first that is there decides."""
_FAILING = frozenset({"block", "down", "fail", "slow", "cannot", "not", "nobody"})
_CIRCUMSTANCES = frozenset({"alone", "sometimes", "workaround", "deadline", "must", *_GRAVE})
_TELLING = _FAILING | {*_SMALL, *_GRAVE, "resolved"}
"""A text without any of these is a normal request of one person."""
_SAYING = _TELLING | _CIRCUMSTANCES | {"affects"}
_NOTHING = Signs(Impact.ONE, Urgency.NORMAL)
_HIT = {Impact.MANY: "affects many users", Impact.TEAM: "affects some users"}
