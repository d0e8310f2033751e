"""Texts as sparse TF-IDF rows: single words, pairs of words and, where they pay, the letters inside words.

In comes a list of texts, out come the rows as three numpy arrays (where a row begins, columns, values), the same
numbers as scikit-learn's TfidfVectorizer(sublinear_tf=True) gives for the same words, without scikit-learn. The
letters of a word (its "char_wb" n-grams) do not depend on its neighbours, so they are looked up once a word and
remembered. It refuses to know labels, weights and files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise, repeat

import numpy as np
from numpy.typing import NDArray

from classifier.text import fold, words

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Typos and compounds show in two to four letters; five cost time and bring nothing more.
LETTERS = (2, 3, 4)
_REMEMBERED_WORDS = 50_000
_UNKNOWN = repeat(-1)
_NOTHING: Ints = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Rows:
    """A sparse matrix: row i has columns[begins[i]:begins[i + 1]] with the values beside them."""

    begins: Ints
    columns: Ints
    values: Floats


@dataclass(frozen=True)
class Row:
    """One text: its words, where they and their letters were found (-1: unknown), and its TF-IDF row.

    `whole` names the column of every word and then of every pair of neighbours, `letters` those of the groups inside
    each word, in the order of the text; `columns` are ascending, and each of the two blocks of `values` (words and
    pairs, letters) has length one.
    """

    said: Sequence[str]
    whole: Ints
    letters: Ints
    letters_a_word: Sequence[int]
    columns: Ints
    counts: Ints
    values: Floats


@dataclass(frozen=True)
class Vocabulary:
    """The terms in the order of their columns (words and pairs first, letters after) and their rarity."""

    words: tuple[str, ...]
    letters: tuple[str, ...]
    idf: Floats

    @property
    def size(self) -> int:
        return len(self.words) + len(self.letters)


class _LettersOf(dict[str, Ints]):
    """The columns of the known letter groups of a word, worked out once a word (and remembered for so many)."""

    def __init__(self, columns: dict[str, int]) -> None:
        super().__init__()
        self._columns = columns

    def __missing__(self, word: str) -> Ints:
        get = self._columns.get
        known = [column for group in letter_groups(word) if (column := get(group)) is not None]
        found = np.array(known, dtype=np.int64)
        if len(self) < _REMEMBERED_WORDS:
            self[word] = found
        return found


@dataclass
class Features:
    """Looks texts up in a vocabulary."""

    vocabulary: Vocabulary
    _words: dict[str, int] = field(init=False, default_factory=dict)
    _pairs: dict[tuple[str, str], int] = field(init=False, default_factory=dict)
    _letters: _LettersOf = field(init=False)

    def __post_init__(self) -> None:
        first = len(self.vocabulary.words)
        # Pairs are looked up as pairs: joining them for every text would cost as much as the rest.
        for column, term in enumerate(self.vocabulary.words):
            left, space, right = term.partition(" ")
            if space:
                self._pairs[left, right] = column
            else:
                self._words[term] = column
        columns = {term: first + column for column, term in enumerate(self.vocabulary.letters)}
        self._letters = _LettersOf(columns)

    def rows(self, texts: Iterable[Sequence[str]]) -> Rows:
        """The texts (as `spoken` gives them) below one another."""
        found = [self.row(said) for said in texts]
        begins = np.cumsum([0, *(len(row.columns) for row in found)], dtype=np.int64)
        columns = np.concatenate([_NOTHING, *(row.columns for row in found)])
        return Rows(begins, columns, np.concatenate([np.empty(0), *(row.values for row in found)]))

    def row(self, said: Sequence[str]) -> Row:
        # map() over dict.get stays in C: this line and the next are half of the time of a guess.
        known = chain(map(self._words.get, said, _UNKNOWN), map(self._pairs.get, pairwise(said), _UNKNOWN))
        whole = np.fromiter(known, dtype=np.int64)
        groups = list(map(self._letters.__getitem__, said)) if self.vocabulary.letters else []
        letters = np.concatenate(groups) if groups else _NOTHING
        columns, counts = _counted(np.concatenate([whole[whole >= 0], letters]), self.vocabulary.size)
        values = (1.0 + np.log(counts)) * self.vocabulary.idf[columns]
        border = int(np.searchsorted(columns, len(self.vocabulary.words)))
        _to_length_one(values[:border])
        _to_length_one(values[border:])
        return Row(said, whole, letters, list(map(len, groups)), columns, counts, values)


def learn(texts: Sequence[Sequence[str]], *, with_letters: bool, at_least: int) -> Vocabulary:
    """The terms that stand in at least so many of the texts, alphabetically, with their smoothed idf."""
    known_words, in_words = _document_counts(map(terms, texts), at_least)
    known_letters: tuple[str, ...] = ()
    in_letters = np.empty(0)
    if with_letters:
        known_letters, in_letters = _document_counts(_letter_groups_of(texts), at_least)
    counts = np.concatenate([in_words, in_letters])
    idf = np.log((1.0 + len(texts)) / (1.0 + counts)) + 1.0
    return Vocabulary(known_words, known_letters, idf)


def spoken(text: str) -> list[str]:
    """The words of the text, folded, in order."""
    return [fold(word) for word in words(text)]


def terms(said: Sequence[str]) -> list[str]:
    """The words and the pairs of neighbours."""
    return [*said, *map(" ".join, pairwise(said))]


def letter_groups(word: str) -> list[str]:
    """The n-grams inside " word ", as scikit-learn's char_wb analyzer cuts them."""
    padded = f" {word} "
    groups: list[str] = []
    for size in LETTERS:
        groups.append(padded[:size])
        groups.extend(padded[start : start + size] for start in range(1, len(padded) - size + 1))
        # A word shorter than the group is counted once, not once for every size.
        if len(padded) <= size:
            break
    return groups


def _letter_groups_of(texts: Sequence[Sequence[str]]) -> Iterable[Iterable[str]]:
    remembered = {word: letter_groups(word) for word in set(chain.from_iterable(texts))}
    return (chain.from_iterable(map(remembered.__getitem__, row)) for row in texts)


def _document_counts(rows: Iterable[Iterable[str]], at_least: int) -> tuple[tuple[str, ...], Floats]:
    counts: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        for term in set(row):
            counts[term] += 1
    kept = sorted(term for term, count in counts.items() if count >= at_least)
    return tuple(kept), np.array([counts[term] for term in kept], dtype=np.float64)


def _counted(found: Ints, size: int) -> tuple[Ints, Ints]:
    """The different columns in ascending order, and how often each was found."""
    if len(found) * 8 < size:
        columns, counts = np.unique(found, return_counts=True)
        return columns, counts
    # Long texts touch a good part of the vocabulary: counting all of it is cheaper than sorting.
    everywhere = np.bincount(found, minlength=size)
    columns = np.flatnonzero(everywhere > 0)
    return columns, everywhere[columns]


def _to_length_one(values: Floats) -> None:
    length = float(np.sqrt(values @ values))
    if length:
        values /= length
