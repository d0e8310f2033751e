"""Recognises the lines in dashes above an earlier or passed-on mail, and a desk's wish to be answered above a line."""

from __future__ import annotations

import re
from functools import cache

from desk.text import mail_words

DASH_SIGNS = re.compile(r"[\s*_\-—–=<>+#|:：.\u200e\u200f]+")
_DECOR = frozenset("-—–_=*#<>")
_ABOVE = re.compile(
    r"\b(?:above|oberhalb|über|dessus|encima|arriba|acima|sopra|boven|ovan|over|yläpuol|yli|powyżej|nad|выше|вище|над|изнад|"
    r"iznad|üstün|πάνω|fölé|felett|deasupra|virš|augš|kohal|מעל|فوق|บน|trên|atas|より上|之上|上方|以上|위에|ऊपर).{0,40}"
    r"(?:line|linie|zeile|ligne|línea|linea|linha|riga|regel|rad\b|raden|linj|rivi|wiersz|lini[ięjo]|řád|riad|строк|рядк|ред\b|"
    r"satır|γραμμή|sor\b|vonal|rând|linij|līnij|rea\b|joon|שורה|قو|سطر|บรรทัด|dòng|baris|garis|行|線|线|줄|선)|"
    r"\b(?:line|zeile|linie|regel|rivin|tämän|この行|在此行|此行|此線|줄|satırın|שורה|السطر).{0,30}"
    r"(?:above|oberhalb|yläpuol|より上|之上|上方|上に|위에|üstün|מעל)"
)


def asks_above(plain: str, bare: str) -> bool:
    """Whether a line between dashes asks to answer above it, in whatever language."""
    return plain[0] in _DECOR and plain[-1] in _DECOR and _ABOVE.search(bare) is not None


def is_garbled_mark(bare: str) -> bool:
    """Whether one of the words of such marks stands in it, where a charset broke the others ("UrsprÃ¼ngliche …")."""
    words = bare.split(" ")
    is_short = len(words) < 4 and words[0] not in ("begin", "end")
    return (
        is_short
        and not _words("original").isdisjoint(words)
        and (_words("forward") - _words("original")).isdisjoint(words)
    )


@cache
def delimiters(kind: str) -> frozenset[str]:
    """The marks of one kind, without what stands around them."""
    return frozenset(DASH_SIGNS.sub(" ", text).strip() for text in mail_words.texts("delimiters", kind))


@cache
def forward_starts() -> tuple[str, ...]:
    """How a mark of a passed-on mail begins that goes on with its author."""
    return tuple(sorted(delimiters("forward")))


@cache
def _words(kind: str) -> frozenset[str]:
    return frozenset(word for text in delimiters(kind) for word in text.split(" ") if len(word) > 4)
