"""How many connections the web server holds: in all, and for one address; whoever only waits makes place for others.

The counterpart of SMTP's limits. A connection that waits (no whole request yet, none since the last answer, or a body
that has stalled) is closed for a new one when the places are taken, oldest first, from the address that has most of
them; so half-open requests, however many, keep nobody out. One that is being answered is never closed.
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
    """A connection: `address` is where it comes from, `waits_since` None while it is being answered."""

    address: str

    @property
    def waits_since(self) -> float | None: ...

    def evict(self) -> None: ...


class ConnectionLimit:
    """The places of one server. Addresses in `exempt` (our own proxies) have no limit of their own."""

    def __init__(self, most: int = 1000, most_per_address: int = 100, exempt: Sequence[str] = LOOPBACK) -> None:
        self._most, self._most_per_address, self._exempt = most, most_per_address, tuple(exempt)
        self._held: dict[Connection, str] = {}
        self._by_group: Counter[str] = Counter()

    def take(self, connection: Connection) -> bool:
        """Hold a place, if need be that of one that waits; False if there is none."""
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
        """The connection is over; saying it twice is saying it once."""
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
    """As the settings say, and at most half of the files that this process may open: the rest is for its work."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = settings.http_connections
    most = most if soft == resource.RLIM_INFINITY else max(1, min(most, soft // 2))
    return ConnectionLimit(most, settings.http_connections_per_address, (*LOOPBACK, *settings.trusted_proxies))
