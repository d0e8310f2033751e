"""The canonical form of an e-mail address: lower case, the domain as in DNS (`info@xn--mller-kva.example`).

It is stored and compared. A domain that is not valid by IDNA 2008 stays as it was written, and so does one with letters
that only look like others (full width, invisible): it must never become somebody else's address.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[^\s@<>,;=:()\"\[\]]+\.[^\s@<>,;=:()\"\[\]]+")


def canonical(address: str) -> str:
    """The form in which the address is stored and compared."""
    address = address.strip().lower()
    local, at, domain = address.rpartition("@")
    if not at or address.isascii():
        return address
    return f"{unicodedata.normalize('NFC', local)}@{canonical_domain(domain)}"


def canonical_words(text: str) -> str:
    """A text in which every domain has that form, such as a list of addresses or a header field."""
    return text if text.isascii() else _WORD.sub(lambda word: canonical_domain(word[0]), text)


def canonical_domain(domain: str) -> str:
    """`bücher.example` and `xn--bcher-kva.example` are one domain: the second."""
    return domain.lower() if domain.isascii() else _in_ascii(domain)


def spellings(address: str) -> tuple[str, ...]:
    """The address as it is stored, and with the letters of its domain where that has others."""
    stored = canonical(address)
    local, at, domain = stored.rpartition("@")
    return (stored, f"{local}{at}{_decoded(domain)}") if "xn--" in domain else (stored,)


@lru_cache(maxsize=1024)
def _in_ascii(domain: str) -> str:
    # Imported late: its tables are large, and most addresses need none of them.
    import idna

    try:
        return idna.encode(unicodedata.normalize("NFC", domain).lower()).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return domain.lower()


@lru_cache(maxsize=1024)
def _decoded(domain: str) -> str:
    import idna

    try:
        return idna.decode(domain)
    except (idna.IDNAError, UnicodeError):
        return domain
