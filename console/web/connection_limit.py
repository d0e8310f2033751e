"""Limits the open connections of the web server, in all and per client address.

It is the counterpart of SMTP's limits. When the limit is reached, a new connection replaces the oldest idle one of the
address that holds most (idle: no complete request yet, none since the last response, or a stalled body). So half-open
requests cannot lock others out. A connection that is being answered is never closed.
"""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from desk.config.settings import Settings
from desk.web.client_ip import is_within, neighbourhood

LOOPBACK = ("127.0.0.0/8", "::1")


class Connection(Protocol):
    """A connection: `address` is the client's, `waits_since` is None while a request is being answered."""

    address: str

    @property
    def waits_since(self) -> float | None: ...

    def evict(self) -> None: ...


class ConnectionLimit:
    """The connections of one server. Addresses in `exempt` (our own proxies) have no limit of their own."""

    def __init__(self, most: int = 1000, most_per_address: int = 100, exempt: Sequence[str] = LOOPBACK) -> None:
        self._most, self._most_per_address, self._exempt = most, most_per_address, tuple(exempt)
        self._held: dict[Connection, str] = {}
        self._by_group: Counter[str] = Counter()

    def take(self, connection: Connection) -> bool:
        """Registers a connection, evicting an idle one if needed; False if there is no room."""
        group = neighbourhood(connection.address)
        limited = not is_within(connection.address, self._exempt)
        if limited and self._by_group[group] >= self._most_per_address and not self._evict_from(self._of(group)):
            return False
        if len(self._held) >= self._most and not self._evict_from(list(self._held)):
            return False
        self._held[connection] = group
        self._by_group[group] += 1
        return True

    def leave(self, connection: Connection) -> None:
        """The connection is closed; calling it twice is harmless."""
        group = self._held.pop(connection, None)
        if group is None:
            return
        self._by_group[group] -= 1
        if not self._by_group[group]:
            del self._by_group[group]

    def _of(self, group: str) -> list[Connection]:
        return [one for one, owner in self._held.items() if owner == group]

    def _evict_from(self, connections: Sequence[Connection]) -> bool:
        waiting = [
            (-self._by_group[self._held[one]], since, number)
            for number, one in enumerate(connections)
            if (since := one.waits_since) is not None
        ]
        if not waiting:
            return False
        victim = connections[min(waiting)[2]]
        self.leave(victim)
        victim.evict()
        return True


def connection_limit_for(settings: Settings) -> ConnectionLimit:
    """The limit of the settings, at most half of the file descriptors of this process: the rest is for its work."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = settings.http_connections
    most = most if soft == resource.RLIM_INFINITY else max(1, min(most, soft // 2))
    return ConnectionLimit(most, settings.http_connections_per_address, (*LOOPBACK, *settings.trusted_proxies))
