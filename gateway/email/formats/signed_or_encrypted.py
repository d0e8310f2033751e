"""Tells whether a mail is signed or encrypted, and how, in words for the agent.

It recognises S/MIME (RFC 8551) and OpenPGP (RFC 3156, and inline), and reads the content of opaque signatures. It
decrypts and verifies nothing, so a signature is mentioned but proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.email.formats import smime_opaque
from gateway.email.mime import parts as mime_parts
from gateway.email.mime.parts import Part

_PKCS7 = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature"})
MAX_LOOK = 100_000
MAX_WRAPS, MAX_OPENED = 3, 20
"""A signed mail in a signed mail is opened so often, and so many signed parts of one mail."""


def with_signed_content(root: Part) -> Part:
    """The same tree, in which what was signed stands below each opaque S/MIME signature, as one of its parts."""
    left = MAX_OPENED
    for _ in range(MAX_WRAPS):
        closed = [part for part in root.walk() if part.media_type in _PKCS7][:left]
        count = sum(map(_open, closed))
        left -= count
        if not count:
            break
    return root


def _open(part: Part) -> bool:
    entity = smime_opaque.signed_content(part.content())
    if not entity:
        return False
    part.children = [mime_parts.parse(entity)]
    part.media_type = "multipart/signed"
    return True


def protection_of(root: Part, text: str) -> tuple[str, ...]:
    """Such as "encrypted: S/MIME"; empty for an open mail."""
    return tuple(dict.fromkeys([*_by_type(root), *_inline(text)]))


def _by_type(root: Part) -> Iterator[str]:
    for part in root.walk():
        kind = part.media_type
        protocol = part.params.get("protocol", "").lower()
        if kind == "multipart/encrypted" or kind == "application/pgp-encrypted":
            yield "encrypted: PGP"
        elif kind == "multipart/signed":
            yield "signed: PGP" if "pgp" in protocol else "signed: S/MIME"
        elif kind in _PKCS7:
            yield _smime(part)
        elif kind in _SIGNATURES:
            yield "signed: S/MIME"
        elif kind == "application/pgp-signature":
            yield "signed: PGP"


def _smime(part: Part) -> str:
    """An opaque S/MIME part: encrypted, unless it says that it is only signed or compressed."""
    kind = part.params.get("smime-type", "").lower()
    if kind in ("signed-data", "compressed-data", "certs-only"):
        return f"signed: S/MIME ({kind})" if kind == "signed-data" else f"S/MIME ({kind})"
    name = part.params.get("name", "").lower()
    return "signed: S/MIME" if not kind and name.endswith(".p7s") else "encrypted: S/MIME"


def _inline(text: str) -> Iterator[str]:
    start = text[:MAX_LOOK]
    if "-----BEGIN PGP" not in start:
        return
    if "-----BEGIN PGP MESSAGE-----" in start:
        yield "encrypted: PGP"
    if "-----BEGIN PGP SIGNED MESSAGE-----" in start:
        yield "signed: PGP"
