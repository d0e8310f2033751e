"""Reads the signed mail out of an opaque S/MIME signature (RFC 8551 section 3.5.2).

It walks one path (RFC 5652: ContentInfo, SignedData, encapContentInfo, octets) in DER or BER, within limits of its own;
it looks at no certificate and verifies nothing. What is no signed mail, or broken before the octets, gives nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

MAX_PIECES = 200_000
"""Octets may come in pieces, such as OpenSSL's of 1 kB."""
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_DATA = bytes.fromhex("2a864886f70d010701")
_SEQUENCE, _SET, _INTEGER, _OID, _EXPLICIT, _OCTETS, _PIECES = 0x30, 0x31, 0x02, 0x06, 0xA0, 0x04, 0x24


class _Broken(ValueError):
    """The bytes are no element of the kind that stands here."""


def signed_content(data: bytes) -> bytes:
    """What was signed, or nothing."""
    try:
        at, end = _into(data, 0, len(data), _SEQUENCE)
        at = _named(data, at, end, _SIGNED_DATA)
        at, end = _into(data, at, end, _EXPLICIT)
        at, end = _into(data, at, end, _SEQUENCE)
        at = _after(data, at, end, _INTEGER)
        at = _after(data, at, end, _SET)
        at, end = _into(data, at, end, _SEQUENCE)
        at = _named(data, at, end, _DATA)
        at, end = _into(data, at, end, _EXPLICIT)
        return b"".join(_octets(data, at, end))
    except _Broken:
        return b""


def _element(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """(tag, where the content begins, where it ends); the end is -1 for one that ends with a mark."""
    if at + 2 > end:
        raise _Broken
    tag, length = data[at], data[at + 1]
    if length < 0x80:
        return tag, at + 2, at + 2 + length
    if length == 0x80:
        return tag, at + 2, -1
    size = length & 0x7F
    if size > 8:
        raise _Broken
    start = at + 2 + size
    return tag, start, start + int.from_bytes(data[at + 2 : start], "big")


def _into(data: bytes, at: int, end: int, wanted: int) -> tuple[int, int]:
    """The content of an element; a mail that was cut off is read as far as it goes."""
    tag, start, stop = _element(data, at, end)
    if tag != wanted:
        raise _Broken
    return start, end if stop < 0 else min(stop, end)


def _after(data: bytes, at: int, end: int, wanted: int) -> int:
    tag, _, stop = _element(data, at, end)
    if tag != wanted or not 0 <= stop <= end:
        raise _Broken
    return stop


def _named(data: bytes, at: int, end: int, name: bytes) -> int:
    start, stop = _into(data, at, end, _OID)
    if data[start:stop] != name:
        raise _Broken
    return stop


def _octets(data: bytes, at: int, end: int) -> Iterator[bytes]:
    """One string of octets, or the pieces of one; pieces of pieces are in the same order."""
    opened = 0
    for _ in range(MAX_PIECES):
        if at >= end:
            return
        tag, start, stop = _element(data, at, end)
        if tag == _OCTETS and stop >= 0:
            yield data[start : min(stop, end)]
            at = stop
        elif tag == _PIECES:
            opened += stop < 0
            at = start
        elif tag == 0 and stop == start and opened:
            opened -= 1
            at = start
        else:
            return
