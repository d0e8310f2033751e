"""Free ports of this machine for the servers that tests start, also for test processes that run side by side."""

from __future__ import annotations

import random
import socket

# Below what Linux hands out to outgoing connections, so that none of them takes the port before its server does.
_RANGE = range(10_000, 32_768)
# pytest-randomly gives every process the same seed; a source that has none keeps them apart.
_random = random.SystemRandom()


def free_port() -> int:
    """A loopback port that nobody listens on."""
    while True:
        port = _random.choice(_RANGE)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
