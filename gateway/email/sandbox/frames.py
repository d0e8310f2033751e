"""Frames between the gateway and its sandbox: lists of byte strings on a pipe, each with its length; no pickle.

A frame is a count, the lengths, the parts. One that says it is larger than `most` is refused.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import BinaryIO

MOST_PARTS = 20_000
_COUNT = struct.Struct(">I")


class BadFrame(ValueError):
    """The other side does not speak frames, or speaks too much."""


def pack(parts: Sequence[bytes]) -> list[bytes]:
    """A frame as pieces to be written one after the other; the parts are not copied."""
    return [_COUNT.pack(len(parts)) + struct.pack(f">{len(parts)}Q", *map(len, parts)), *parts]


def read(stream: BinaryIO) -> list[bytes] | None:
    """The next frame of a stream that blocks; None at its end."""
    head = stream.read(_COUNT.size)
    if len(head) < _COUNT.size:
        return None
    count = _COUNT.unpack(head)[0]
    sizes = struct.unpack(f">{count}Q", stream.read(8 * count))
    return [stream.read(size) for size in sizes]


class Unpacker:
    """Frames out of chunks that were cut anywhere. A part goes into a BytesIO, which gives its bytes without a copy."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._total = 0
        self._sizes: list[int] | None = None
        self._parts: list[bytes] = []
        self._begin(_COUNT.size)

    def feed(self, chunk: bytes) -> list[list[bytes]]:
        """The frames that are whole with this chunk. Raises BadFrame."""
        self._total += len(chunk)
        if self._total > self._most:
            raise BadFrame("more than is allowed")
        frames = []
        view = memoryview(chunk)
        while len(view):
            taken = min(len(view), self._need)
            self._part.write(view[:taken])
            self._need -= taken
            view = view[taken:]
            while not self._need:
                frame = self._finish()
                if frame is not None:
                    frames.append(frame)
        return frames

    def _begin(self, need: int) -> None:
        self._part = io.BytesIO()
        self._need = need

    def _finish(self) -> list[bytes] | None:
        """One piece is whole: go on to the next, or give the frame that it ends."""
        piece = self._part.getvalue()
        if self._sizes is None and len(piece) == _COUNT.size:
            self._counted(_COUNT.unpack(piece)[0])
            return None
        if self._sizes is None:
            self._sizes = list(struct.unpack(f">{len(piece) // 8}Q", piece))
        else:
            self._parts.append(piece)
        if len(self._parts) < len(self._sizes):
            self._begin(self._sizes[len(self._parts)])
            return None
        return self._whole()

    def _counted(self, count: int) -> None:
        if not 0 < count <= MOST_PARTS:
            raise BadFrame(f"{count} parts")
        self._begin(8 * count)

    def _whole(self) -> list[bytes]:
        frame, self._parts, self._sizes, self._total = self._parts, [], None, 0
        self._begin(_COUNT.size)
        return frame
