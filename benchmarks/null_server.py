"""The measure of P1 and P2: aiosmtpd as it comes, in a process of its own, that says 250 and keeps nothing.

It returns its address, as one line on stdout.
"""

from __future__ import annotations

import signal
import socket
from typing import Any

from aiosmtpd.controller import Controller


class Nothing:
    """A handler that takes every mail and forgets it."""

    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        return "250 OK"


def main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(Nothing(), hostname="127.0.0.1", port=port)
    controller.start()
    print(f"127.0.0.1:{port}", flush=True)
    signal.sigwait({signal.SIGTERM})
    controller.stop()


if __name__ == "__main__":
    main()
