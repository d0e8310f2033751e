"""Finds the phrases of a word table in a text, in one pass, in any language.

In: a table of phrases with their kinds, and a text. Out: which kinds of phrase stand where, and the quoted words.
A phrase is a few words; a word may begin or end with * (`abteilung*`, `*ausfall`). Letter case, accents and the kind of
apostrophe do not count. Writing without spaces (Chinese, Japanese, Thai) and Korean is read letter by letter. It knows
no rule: what a phrase means is decided by the module that asks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

END, QUESTION, SOFT, NUMBER, IGNORE = ".", "?", ",", "number", "ignore"
"""Kinds that every table has: the end of a sentence, one with a question mark, a comma or colon, digits; and words that
mean nothing as one phrase, so that their parts are not taken for something else."""

_GLUED = "\u0e00-\u0e7f\u3005-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_TOKENS = re.compile(rf"[{_GLUED}]|[^\W_{_GLUED}]+|[.!?…](?=[\s.!?…')]|$)|[。！？؟]|\n\s*\n|[\n,;:،、，；()–—]|\s-\s")
_MARKED = re.compile(r"[\u0300-\u036f\u0591-\u05c7\u064b-\u0652\u0670]")
_PREFIXES = re.compile("[והבלמשכ]{1,2}|[وفبل]?ال|لل|و|ب")
"""What Hebrew and Arabic write in one piece with the next word: and, the, in, to."""
_OWN_LETTERS = frozenset("åäöüøæ")
"""Letters that nobody writes without their mark: Swedish "låst" is no English "last"."""
_SHORTEST_STEM, _LONGEST_WORD, _KNOWN_WORDS = 2, 40, 30_000


class Mark(NamedTuple):
    """A phrase of one kind at tokens `start` to `end` (the first after it); `number` is what it says in digits."""

    kind: str
    start: int
    end: int
    number: int = 0


@dataclass(slots=True)
class _Node:
    """A place in the tree of phrases: where each next word leads, and which kinds end here."""

    after: dict[str, _Node] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()


class _Known(dict[str, Any]):
    """Answers by word, found once by `look` and kept, because words repeat; bounded, and single words only."""

    def __init__(self, look: Callable[[str], Any]) -> None:
        self._look = look

    def __missing__(self, word: str) -> Any:
        if len(self) >= _KNOWN_WORDS:
            self.clear()
        found = self[word] = self._look(word)
        return found


class Phrases:
    """A table of (kind, phrase), ready to be looked for. The longest phrase wins and uses up its words."""

    def __init__(self, table: Iterable[tuple[str, str]]) -> None:
        self._root = _Node()
        self._words: set[str] = set()
        self._ends: set[int] = set()
        for kind, phrase in table:
            self._add(kind, phrase)
        self._readings = _Known(self._read)
        self._starts = _Known(self._start)

    def find(self, text: str) -> tuple[list[Mark], list[str]]:
        """All marks in the order of the text (none of kind `ignore`), and its tokens."""
        tokens = _TOKENS.findall(text if text.isascii() else unicodedata.normalize("NFC", text))
        marks: list[Mark] = []
        free = 0
        for place, node in enumerate(map(self._starts.__getitem__, tokens)):
            if node is None or place < free:
                continue
            free, kinds = self._longest(tokens, place, node) if node.after else (place + 1, node.kinds)
            for kind in kinds:
                is_number = kind.startswith(NUMBER)
                marks.append(_number(kind, place, free, tokens[place]) if is_number else Mark(kind, place, free))
        return marks, tokens

    def _longest(self, tokens: Sequence[str], place: int, node: _Node) -> tuple[int, tuple[str, ...]]:
        """Where the longest phrase ends that begins at that place, and its kinds."""
        end, kinds = place + 1, node.kinds
        at = end
        while node.after and at < len(tokens):
            following = None
            for word in self._readings[tokens[at]]:
                following = node.after.get(word)
                if following is not None:
                    break
            if following is None:
                break
            node, at = following, at + 1
            if node.kinds:
                end, kinds = at, node.kinds
        return end, () if IGNORE in kinds else kinds

    def _add(self, kind: str, phrase: str) -> None:
        node = self._root
        for word in phrase.split():
            for token in _pattern_tokens(word):
                self._words.add(token)
                if token.startswith("*") or token.endswith("*"):
                    self._ends.add(len(token) - 1)
                node = node.after.setdefault(token, _Node())
        node.kinds = tuple(dict.fromkeys((*node.kinds, kind)))

    def _start(self, token: str) -> _Node | None:
        """All that may begin with this word, as one place; None for nearly all words."""
        nodes = [node for word in self._readings[token] if (node := self._root.after.get(word))]
        special = _special(token)
        if special:
            nodes.append(_Node(kinds=(special,)))
        if len(nodes) < 2:
            return nodes[0] if nodes else None
        # The first, which is the most exact one, wins where two lead on with the same word.
        after = {word: node for start in reversed(nodes) for word, node in start.after.items()}
        return _Node(after, tuple(dict.fromkeys(kind for node in nodes for kind in node.kinds)))

    def _read(self, token: str) -> tuple[str, ...]:
        """The words of the table that this word may stand for, the most exact one first."""
        word = fold(token)
        found = self._forms(word)
        glued = _PREFIXES.match(word)
        if not found and glued and len(word) - glued.end() >= _SHORTEST_STEM:
            return self._forms(word[glued.end() :])
        return found

    def _forms(self, word: str) -> tuple[str, ...]:
        if len(word) > _LONGEST_WORD:
            return ()
        lengths = sorted((length for length in self._ends if length <= len(word)), reverse=True)
        starred = [form for length in lengths for form in (word[:length] + "*", "*" + word[len(word) - length :])]
        return tuple(form for form in (word, *starred) if form in self._words)


def quoted(text: str, start: int, end: int, most: int = 80) -> str:
    """The text's own words from one token to another, on one line."""
    source = unicodedata.normalize("NFC", text)
    spans = [match.span() for match in islice(_TOKENS.finditer(source), end)]
    words = " ".join(source[spans[start][0] : spans[-1][1]].split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def fold(word: str) -> str:
    """A word without letter case and accents. Korean and Japanese letters keep their parts."""
    plain = word.casefold()
    if plain.isascii() or "\u3000" <= plain[0] <= "\ud7af":
        return plain
    return "".join(letter if letter in _OWN_LETTERS else _bare(letter) for letter in plain).replace("ı", "i")


def _bare(letter: str) -> str:
    return _MARKED.sub("", unicodedata.normalize("NFKD", letter)).replace("ł", "l")


def _pattern_tokens(word: str) -> list[str]:
    """A word of the table as the tokens of a text would be, with its stars."""
    tokens = [fold(token) for token in _TOKENS.findall(unicodedata.normalize("NFC", word.strip("*")))]
    if not tokens:
        raise ValueError(f"{word!r} is no word")
    if word.startswith("*"):
        tokens[0] = "*" + tokens[0]
    if word.endswith("*"):
        tokens[-1] += "*"
    return tokens


def _special(token: str) -> str:
    if token.isdecimal():
        return NUMBER
    if token[0].isalnum():
        return ""
    if "?" in token or token in "？؟":
        return QUESTION
    return END if token[0] in ".!…。！" or token.count("\n") > 1 else SOFT


def _number(kind: str, start: int, end: int, first: str) -> Mark:
    return Mark(NUMBER, start, end, int(kind.partition(" ")[2] or first[:6]))
