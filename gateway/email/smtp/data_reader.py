"""Reads a mail after the DATA command: removes dot-stuffing, and only CR LF . CR LF ends it (RFC 5321 section 4.1.1.4).

Chunks may be cut anywhere. Bare CR, bare LF, NUL and lines of any length are content; a lone dot between other line
ends is reported.
"""

from __future__ import annotations

import io
import re

_END = b"\r\n.\r\n"
# A dot alone between line ends that other servers might take for the end of the mail: SMTP smuggling (CVE-2023-51764).
# In front of the real end the wire cannot hold one, because senders double the dot of such a line.
_LONE_DOT = re.compile(rb"[\r\n\0]\.[\r\n\0]")


class DataReader:
    """One mail on its way in. Past `most` bytes it stops keeping them (`too_large`) and only looks for the end."""

    def __init__(self, most: int) -> None:
        self.too_large = False
        self.lone_dot = False
        self.seen = 0
        self._most = most
        self._content: io.BytesIO | None = io.BytesIO()
        # The line end of the DATA command counts as the one in front of the first line.
        self._tail = b"\r\n"
        self._before = b""
        self._skip = 2

    def feed(self, chunk: bytes) -> bytes | None:
        """Take a chunk; returns what came after the end of the mail, or None while the end has not come."""
        self.seen += len(chunk)
        data = self._tail + chunk
        end = data.find(_END, *_around_dots(data))
        if end >= 0:
            self._take(data[: end + 2])
            return data[end + len(_END) :]
        held = _held_back(data)
        self._take(data[: len(data) - held])
        self._tail = data[len(data) - held :]
        return None

    def drop(self) -> None:
        """Keep nothing any more; the rest is only looked through for the end."""
        self._content = None

    def content(self) -> bytes:
        """The mail. BytesIO gives its bytes without a copy, so that a big mail is in memory once."""
        return b"" if self._content is None else self._content.getvalue()

    def _take(self, piece: bytes) -> None:
        start, stop = _around_dots(piece)
        around_dots = piece[start:stop]
        self.lone_dot = self.lone_dot or self._has_lone_dot(around_dots, piece[:2])
        self._before = (self._before + piece)[-2:] if len(piece) < 2 else piece[-2:]
        if self._content is None:
            return
        if b"\r\n." in around_dots:
            piece = piece.replace(b"\r\n.", b"\r\n")
        if self._skip and piece:
            piece, self._skip = piece[self._skip :], 0
        if self._content.tell() + len(piece) > self._most:
            self.too_large = True
            self.drop()
        else:
            self._content.write(piece)

    def _has_lone_dot(self, around_dots: bytes, start: bytes) -> bool:
        if (b"\n." in around_dots or b"\r." in around_dots or b"\0." in around_dots) and _LONE_DOT.search(around_dots):
            return True
        return _LONE_DOT.search(self._before + start) is not None


def _around_dots(data: bytes) -> tuple[int, int]:
    """From two bytes before the first dot to two behind the last; nothing where there is none, as in a file in base64.

    To look for one byte costs a fiftieth of looking for two, so whatever needs a dot is looked for between these only.
    """
    first = data.find(b".")
    return (max(0, first - 2), data.rfind(b".") + 3) if first >= 0 else (0, 0)


def _held_back(data: bytes) -> int:
    """How many bytes at the end could be the beginning of the end."""
    for length in (4, 3, 2, 1):
        if data.endswith(_END[:length]):
            return length
    return 0
