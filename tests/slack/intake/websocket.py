"""The server's half of a WebSocket (RFC 6455), as little as Socket Mode needs: text, ping, pong, close."""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
import threading

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key: str) -> str:
    """The Sec-WebSocket-Accept for a client's key."""
    return base64.b64encode(hashlib.sha1((key + _MAGIC).encode()).digest()).decode()


class Line:
    """One open line. Sending may happen in several threads, receiving in one."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._sending = threading.Lock()

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, size)
        elif size < 65_536:
            head = struct.pack("!BBH", 0x80 | opcode, 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
        with self._sending:
            self._connection.sendall(head + payload)

    def receive(self) -> tuple[int, bytes] | None:
        """The next frame; None once the line is gone. Clients must mask (section 5.1)."""
        try:
            first, second = self._read(2)
            assert second & 0x80, "a client's frame must be masked"
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", self._read(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", self._read(8))
            mask, data = self._read(4), self._read(size)
        except (OSError, ValueError):
            return None
        return first & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))

    def cut(self) -> None:
        """The line breaks without a word, as lines do."""
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            more = self._connection.recv(size - len(data))
            if not more:
                raise ValueError("the line ended")
            data += more
        return bytes(data)
