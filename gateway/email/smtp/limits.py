"""Limits of the SMTP server: connections and mails a minute by address, and memory for mails being received."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

UNIX = "unix"
"""The peer of a unix socket: a process that may open the file is one of our own relays."""

_REMEMBERED = 10_000
_FREE_BYTES = 64 * 1024


class Limits:
    """Connections and mails by address. An IPv6 address counts as its /64, since a host may use all of it."""

    def __init__(
        self,
        most_connections: int,
        most_per_address: int,
        mails_a_minute: int,
        exempt: Sequence[str],
        clock: Callable[[], float],
    ) -> None:
        self._most_connections = most_connections
        self._most_per_address = most_per_address
        self._mails_a_minute = mails_a_minute
        self._exempt = tuple(ipaddress.ip_network(network) for network in exempt)
        self._clock = clock
        self._open: Counter[str] = Counter()
        self._buckets: dict[str, tuple[float, float]] = {}
        self._group_of = lru_cache(maxsize=_REMEMBERED)(self._group)
        self.connections = 0

    @contextmanager
    def connection(self, peer: str) -> Iterator[bool]:
        """Hold a place for one connection; yields whether there was one."""
        group = self._group_of(peer)
        admitted = self.connections < self._most_connections and (
            group is None or self._open[group] < self._most_per_address
        )
        self.connections += 1
        self._count(group, 1)
        try:
            yield admitted
        finally:
            self.connections -= 1
            self._count(group, -1)

    @property
    def crowded(self) -> bool:
        """Whether three quarters of the connections are taken: idle ones are closed sooner then."""
        return self.connections * 4 > self._most_connections * 3

    def may_send(self, peer: str) -> bool:
        """Take one mail from the address's allowance, which fills up again evenly over a minute."""
        group = self._group_of(peer)
        if group is None or not self._mails_a_minute:
            return True
        now = self._clock()
        left, since = self._buckets.get(group, (float(self._mails_a_minute), now))
        left = min(self._mails_a_minute, left + (now - since) * self._mails_a_minute / 60)
        if len(self._buckets) >= _REMEMBERED:
            self._forget(now)
        self._buckets[group] = (max(0.0, left - 1), now)
        return left >= 1

    def _count(self, group: str | None, step: int) -> None:
        if group is None:
            return
        self._open[group] += step
        if not self._open[group]:
            del self._open[group]

    def _forget(self, now: float) -> None:
        """Addresses that were quiet for a minute have their whole allowance back, so there is nothing to remember."""
        self._buckets = {group: bucket for group, bucket in self._buckets.items() if now - bucket[1] < 60}

    def _group(self, peer: str) -> str | None:
        """Under which name the address is counted; None for our own relays, which are not."""
        if peer == UNIX:
            return None
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return peer
        address = getattr(address, "ipv4_mapped", None) or address
        if any(address in network for network in self._exempt):
            return None
        if address.version == 6:
            return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
        return str(address)


class MemoryBudget:
    """Memory for mails on their way in. 64 KiB of each are free: big ones cannot crowd out small ones."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0

    def share(self) -> MemoryShare:
        return MemoryShare(self)

    def grow(self, size: int) -> bool:
        if self._taken + size > self._most:
            return False
        self._taken += size
        return True

    def give_back(self, size: int) -> None:
        self._taken -= size


class MemoryShare:
    """The part of the budget that one mail holds."""

    def __init__(self, room: MemoryBudget) -> None:
        self._room = room
        self._held = 0

    def cover(self, size: int) -> bool:
        """Hold room for a mail that has grown to `size`; False when there is none."""
        more = max(0, size - _FREE_BYTES) - self._held
        if more <= 0:
            return True
        if not self._room.grow(more):
            return False
        self._held += more
        return True

    def release(self) -> None:
        self._room.give_back(self._held)
        self._held = 0
