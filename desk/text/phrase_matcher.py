"""Finds the phrases of a word table in a text, in one pass, in any language.

It takes a table of phrases with their kinds, and a text, and returns which kinds of phrase stand where, and the
quoted words. A phrase is a few words; a word may begin or end with * (`abteilung*`, `*ausfall`). Letter case, accents
and the kind of apostrophe do not count. Writing without spaces (Chinese, Japanese, Thai) and Korean is read letter by
letter. It knows no rule: what a phrase means is decided by the module that asks.
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


_new_mark = tuple.__new__
"""Makes a Mark in a third of the time of its own constructor, which is written in Python."""
_Told = tuple[tuple[str, int], ...]
"""Kinds, each with the number that its words are."""


@dataclass(slots=True)
class _Node:
    """A place in the tree of phrases: where each next word leads, whether a phrase ends here, and what it tells."""

    after: dict[str, _Node] = field(default_factory=dict)
    ends: bool = False
    told: _Told = ()

    def tell(self, *told: tuple[str, int]) -> None:
        """A phrase of this kind ends here."""
        self.ends = True
        self.told = tuple(dict.fromkeys((*self.told, *told)))

    def hush(self) -> None:
        """What is to be ignored tells nothing, whatever else it may be; here and further on."""
        if any(kind == IGNORE for kind, _ in self.told):
            self.told = ()
        for node in self.after.values():
            node.hush()

    @property
    def ignored(self) -> bool:
        return self.ends and not self.told


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
        self._root.hush()
        self._readings = _Known(self._read)
        self._starts = _Known(self._start)

    def find(self, text: str) -> tuple[list[Mark], list[str]]:
        """All marks in the order of the text (none of kind `ignore`), and its tokens."""
        tokens = _TOKENS.findall(text if text.isascii() else unicodedata.normalize("NFC", text))
        marks: list[Mark] = []
        free, readings = 0, self._readings
        # map() and the list stay in C: most words of most texts begin no phrase.
        starts = [(place, node) for place, node in enumerate(map(self._starts.__getitem__, tokens)) if node is not None]
        for place, node in starts:
            if place < free:
                continue
            free, told = place + 1, node.told
            if node.after and free < len(tokens) and not node.after.keys().isdisjoint(readings[tokens[free]]):
                free, told = self._longest(tokens, place, node)
            for kind, number in told:
                marks.append(_new_mark(Mark, (kind, place, free, number)))
        return marks, tokens

    def _longest(self, tokens: Sequence[str], place: int, node: _Node) -> tuple[int, _Told]:
        """Where the longest phrase ends that begins at that place, and what it tells."""
        end, told = place + 1, node.told
        for at in range(end, len(tokens)):
            leads = node.after
            for word in self._readings[tokens[at]]:
                if word in leads:
                    node = leads[word]
                    break
            else:
                break
            if node.ends:
                end, told = at + 1, node.told
        return end, told

    def _add(self, kind: str, phrase: str) -> None:
        node = self._root
        for word in phrase.split():
            for token in _pattern_tokens(word):
                self._words.add(token)
                if token.startswith("*") or token.endswith("*"):
                    self._ends.add(len(token) - 1)
                node = node.after.setdefault(token, _Node())
        name, _, number = kind.partition(" ")
        node.tell((NUMBER, int(number)) if name == NUMBER else (kind, 0))

    def _start(self, token: str) -> _Node | None:
        """All that may begin with this word, as one place; None for nearly all words."""
        nodes = [node for word in self._readings[token] if (node := self._root.after.get(word))]
        special = _special(token)
        if special:
            nodes.append(_Node(ends=True, told=((special, int(token[:6]) if special == NUMBER else 0),)))
        if len(nodes) < 2:
            return nodes[0] if nodes else None
        # The first, which is the most exact one, wins where two lead on with the same word.
        after = {word: node for start in reversed(nodes) for word, node in start.after.items()}
        made = _Node(after, ends=any(node.ends for node in nodes))
        if not any(node.ignored for node in nodes):
            made.told = tuple(dict.fromkeys(pair for node in nodes for pair in node.told))
        return made

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
    source = text if text.isascii() else unicodedata.normalize("NFC", text)
    tokens = _TOKENS.finditer(source)
    first = next(islice(tokens, start, None))
    last = next(islice(tokens, end - start - 2, None)) if end > start + 1 else first
    words = " ".join(source[first.start() : last.end()].split())
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
