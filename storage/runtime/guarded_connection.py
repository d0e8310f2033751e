"""Connections to hosts that were configured over HTTP: resolve the name, check every address, connect to a checked
one.

Mailboxes, OAuth and file downloads all use it. The name is resolved once for each connection, and the connection goes
to the address that was checked: a name that resolves differently a moment later gains nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from typing import Any

from desk.config.settings import Settings
from desk.web.public_address import Network, is_permitted, networks

Resolve = Callable[[str, int], Sequence[str]]


class AddressRefused(OSError):
    """The host has an address that no connection may go to."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is not a public server (see FRONTDESK_INTERNAL_NETWORKS)")


def resolve(host: str, port: int) -> list[str]:
    """Every address of the host, as the system's resolver says."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


@dataclass(frozen=True, slots=True)
class Guard:
    """Opens connections to public addresses and to the allowed networks only."""

    allowed: tuple[Network, ...] = ()
    resolve: Resolve = resolve

    def connect(self, host: str, port: int, timeout: float | None) -> socket.socket:
        """A socket to the first address that answers. AddressRefused where any address of the host is not permitted."""
        addresses = self.resolve(host, port)
        if not addresses or not all(is_permitted(address, self.allowed) for address in addresses):
            raise AddressRefused(host)
        trouble: OSError = AddressRefused(host)
        for address in addresses:
            try:
                return socket.create_connection((address, port), timeout)
            except OSError as error:
                trouble = error
        raise trouble

    def http(self, scheme: str, netloc: str, timeout: float) -> HTTPConnection:
        """An HTTP connection through the guard: no proxy, no redirects, TLS checked against the host's name."""
        connection = (HTTPSConnection if scheme == "https" else HTTPConnection)(netloc, timeout=timeout)
        # The standard library's own way to replace how the socket is opened; TLS is put on it afterwards.
        connection._create_connection = self._opened  # type: ignore[attr-defined]
        return connection

    def _opened(self, place: tuple[str, int], timeout: Any = None, _source: Any = None) -> socket.socket:
        return self.connect(*place, timeout)


def guard_for(settings: Settings) -> Guard:
    """The guard of this desk."""
    return Guard(networks(settings.internal_networks))
