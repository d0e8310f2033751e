"""Which language a text is in, roughly: by its script, else by the small words that no text goes without.

It takes a text, and returns a code such as `de`, or nothing where it cannot be told. The words are a table
(`desk/text/mail_words/small_words.tsv`). It is good enough to say for which readers a desk guesses well; not to
translate.
"""

from __future__ import annotations

import re
from functools import cache

from desk.text.mail_words import rows

LOOKED_AT = 400
FEWEST = 2
"""So many small words must be found; one alone may be a name."""
_WORD = re.compile(r"[^\W\d_]+")
_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("uk", re.compile(r"[іїєґ]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
)


def language(text: str) -> str:
    """The code of the language, or "" where the text does not say."""
    beginning = text[:LOOKED_AT].casefold()
    if not beginning.isascii():
        for code, pattern in _SCRIPTS:
            if len(pattern.findall(beginning)) > 2:
                return code
    found: dict[str, int] = {}
    for codes in filter(None, map(_small_words().get, _WORD.findall(beginning))):
        for code in codes:
            found[code] = found.get(code, 0) + 1
    most = max(found.values(), default=0)
    best = [code for code, count in found.items() if count == most]
    return best[0] if most >= FEWEST and len(best) == 1 else ""


@cache
def _small_words() -> dict[str, tuple[str, ...]]:
    """Word → the languages that have it."""
    found: dict[str, tuple[str, ...]] = {}
    for code, _, text in rows("small_words"):
        for word in text.split():
            found[word] = (*found.get(word, ()), code)
    return found
