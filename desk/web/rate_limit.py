"""How often is too often: a leaky bucket for every key, in memory. It takes a key and a moment, and returns how long to
wait.

It does not know what a key is (an address, an account, a token) and what happens to whoever must wait. Each process
counts for itself.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

MOST_KEYS = 50_000


class Pace:
    """At most `limit` times in `per`, with bursts up to `limit`; several threads may ask at once."""

    def __init__(self, limit: int, per: timedelta) -> None:
        self._per = per.total_seconds()
        self._gap = self._per / limit
        self._full_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, key: str, now: datetime) -> float:
        """Count one time. Returns 0, or the seconds to wait; then it was not counted."""
        with self._lock:
            wait = self._wait(key, now.timestamp())
            if wait == 0:
                self._count(key, now.timestamp())
            return wait

    def wait(self, key: str, now: datetime) -> float:
        """The seconds until the key may come again; counts nothing."""
        with self._lock:
            return self._wait(key, now.timestamp())

    def count(self, key: str, now: datetime) -> None:
        """Count one time whatever the limit says."""
        with self._lock:
            self._count(key, now.timestamp())

    def _wait(self, key: str, now: float) -> float:
        ahead = max(self._full_at.get(key, now) - now, 0.0)
        return max(ahead + self._gap - self._per, 0.0)

    def _count(self, key: str, now: float) -> None:
        if len(self._full_at) >= MOST_KEYS and key not in self._full_at:
            self._forget(now)
        self._full_at[key] = max(self._full_at.get(key, now), now) + self._gap

    def _forget(self, now: float) -> None:
        """Drop what has run empty; if nothing has, the ones that will be first."""
        kept = {key: at for key, at in self._full_at.items() if at > now}
        if len(kept) >= MOST_KEYS:
            kept = dict(sorted(kept.items(), key=lambda pair: pair[1])[MOST_KEYS // 10 :])
        self._full_at = kept
