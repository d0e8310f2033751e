"""Recognises a text part that is only a placeholder: "your program shows no HTML", a lone space, a picture's name.

The HTML part of such a mail has the content. A mail program shows the last alternative that it can (RFC 2046), so what
stands only in the HTML is what was written.
"""

from __future__ import annotations

import re
from functools import cache

from desk.text import mail_words

MOST = 700
"""Characters of a text that may be a placeholder; longer ones are content."""
_WORD = re.compile(r"\w+")
_MARK = re.compile(
    r"<[^<>\n]{0,300}>|\[(?:image|cid|logo|bild|img|https?)[^\]\n]{0,300}\]|&\w{2,8};|https?://\S{1,500}", re.I
)


def may_be(text: str) -> bool:
    """Whether a text is short enough to be none."""
    return len(text) <= MOST or len(text.strip()) <= MOST


def stands_for(text: str, html: str) -> bool:
    """Whether the words of the HTML should be read in place of that text."""
    words = _words(text)
    if not words:
        return bool(_words(html)) or not text.strip()
    beside = _words(html)
    if not beside or set(words) <= set(beside):
        return False
    if _says_so(text):
        return True
    # Nothing of the text is in the HTML: not the same content twice, but a text that is not meant to be read.
    return len(set(words) & set(beside)) * 5 <= len(set(words)) and _speaks_of_reading(text)


def _says_so(text: str) -> bool:
    """Whether it says that the mail has to be looked at in another way."""
    plain = " ".join(text.casefold().split())
    return any(phrase in plain for phrase in mail_words.texts("placeholders", "phrase"))


def _speaks_of_reading(text: str) -> bool:
    return bool(_signs() & set(_words(text)))


@cache
def _signs() -> frozenset[str]:
    return frozenset(mail_words.texts("placeholders", "word"))


def _words(text: str) -> list[str]:
    return _WORD.findall(_MARK.sub(" ", text).casefold())
