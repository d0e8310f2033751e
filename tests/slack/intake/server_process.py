"""A desk's Slack door as a process that a test can kill: `python -m tests.slack.intake.server_process DIR SECRET`.

Prints the port of its web server as soon as it listens.
"""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime

from starlette.applications import Starlette

from desk.config.settings import Settings
from gateway.slack import http
from gateway.slack.events import bolt_app
from storage.open_store import open_store
from tests.slack.serving import served


def main(folder: str, secret: str) -> None:
    settings = Settings(data_dir=folder, secret_key="a key of a process that will be killed", log_level="error")
    app = bolt_app(open_store(settings), settings, _now)
    with served(Starlette(routes=http.routes(app, secret))) as port:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        threading.Event().wait()


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main(*sys.argv[1:])
