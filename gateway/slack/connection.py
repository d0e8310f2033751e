"""Opens the gateway's connection to Slack (Socket Mode), where the settings have its two tokens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime

from storage.open_store import Store


@contextlib.contextmanager
def connected(store: Store) -> Iterator[None]:
    """Takes requests from Slack until the end of the block; without the tokens it does nothing."""
    if not (store.settings.slack_bot_token and store.settings.slack_app_token):
        yield
        return
    # Slack's packages cost 20 MB, so they are imported where they are used.
    from gateway.slack.events import bolt_app
    from gateway.slack.socket_mode import SocketMode

    line = SocketMode(bolt_app(store, store.settings, lambda: datetime.now(UTC)), store.settings)
    line.start()
    try:
        yield
    finally:
        line.close()
