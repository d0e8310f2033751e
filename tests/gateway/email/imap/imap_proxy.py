"""A proxy in front of a real IMAP server that spoils single commands: what real servers do on bad days.

In: the port of the server, and `spoil(line)`, asked for each line of the mail program: None lets it through, bytes are
answered instead (with `TAG` replaced), HANG_UP ends the connection, SILENT passes it on but drops news in the answers.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

HANG_UP = b"\0hang-up"
_NEWS = re.compile(rb"\* \d+ (?:EXISTS|RECENT)\r\n")

Spoil = Callable[[bytes], bytes | None]


class Proxy:
    """Listens on `port`. While `deaf` is set, news of mails are swallowed, as a firewall does that forgot us."""

    def __init__(self, target: int, spoil: Spoil) -> None:
        self.deaf = False
        self.lines: list[bytes] = []
        self._target = target
        self._spoil = spoil
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._open: list[socket.socket] = [self._server]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open += [client, server]
                threading.Thread(target=self._up, args=(client, server), daemon=True).start()
                threading.Thread(target=self._down, args=(server, client), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError, ValueError), client.makefile("rb") as lines:
            for line in lines:
                self.lines.append(line)
                answer = self._spoil(line)
                if answer == HANG_UP:
                    break
                if answer is None:
                    server.sendall(line)
                else:
                    client.sendall(answer.replace(b"TAG", line.split()[0]))
        _end(client, server)

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(_NEWS.sub(b"", data) if self.deaf else data)
        _end(client, server)


@contextmanager
def between(target: int, spoil: Spoil = lambda _line: None) -> Iterator[Proxy]:
    proxy = Proxy(target, spoil)
    try:
        yield proxy
    finally:
        proxy.close()


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
