"""The commands that serve: the whole desk, or one of its processes. Which rooms work together in which process."""

from __future__ import annotations

import os
import resource
import signal
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.command import Call, ProcessCommand, setting_option
from cli.process import supervisor
from cli.trouble import Trouble
from desk.config.settings import Settings, host_and_port, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from storage.open_store import Store

SCRIPT = Path(__file__).resolve().parents[2] / "frontdesk.py"
MOST_FILES = 65_536
_OPTIONS = {
    "smtp": setting_option("smtp", "--smtp", metavar="HOST:PORT", help="Where SMTP listens; port 0 picks a free one."),
    "lmtp": setting_option("lmtp", "--lmtp", metavar="HOST:PORT|/PATH", help="Where LMTP listens."),
    "http": setting_option("http", "--http", metavar="HOST:PORT", help="Where the pages are; port 0 picks a free one."),
    "ready_fd": click.Option(["--ready-fd"], type=int, hidden=True),
    "queues": click.Option(
        ["--queues"], default="", metavar="NAME,NAME", help="Take these queues only (all, unless told otherwise)."
    ),
}


def _process(name: str, *options: str) -> Callable[[Callable[..., Any]], click.Command]:
    """The declaration of a process with these options."""
    return click.command(name, cls=ProcessCommand, params=[_OPTIONS[option] for option in options])


@_process("up", "smtp", "lmtp", "http")
def up(call: Call) -> int:
    """Run the whole desk on this machine."""
    from cli.process.up import up as run

    for name in unknown(os.environ):
        click.echo(f"frontdesk: {name} is no setting and changes nothing; docs/running.md lists them", err=True)
    _raise_file_limit()
    return run(call.settings, SCRIPT)


@_process("gateway", "smtp", "lmtp", "http", "ready_fd")
def gateway(call: Call, ready_fd: int | None) -> None:
    """Run the servers of mail and Slack; with --http also the form, the API, Slack's events and health."""
    from cli.open_desk import serving
    from gateway import run

    with serving(call.settings) as store, ExitStack() as beside:
        if "http" in call.options:
            beside.enter_context(_pages(alone(door_routes(store)), call.settings).beside())
        run.run(store, partial(supervisor.reported, ready_fd))


@_process("worker", "http", "queues", "ready_fd")
def worker(call: Call, queues: str, ready_fd: int | None) -> None:
    """Do the work of all queues or of some, with a scheduler beside it; with --http also health."""
    from cli.open_desk import serving
    from console.web import health
    from storage.runtime.queue import QUEUES
    from workers import run

    wanted = tuple(queues.split(",")) if queues else QUEUES
    if wrong := [name for name in wanted if name not in QUEUES]:
        raise Trouble(f"there is no queue {wrong[0]!r}: they are {', '.join(QUEUES)}", 64)
    run.hold_signals()
    with serving(call.settings) as store, ExitStack() as beside:
        if "http" in call.options:
            beside.enter_context(_pages(alone(health.routes(store)), call.settings).beside())
        run.run(store, partial(supervisor.reported, ready_fd), wanted)


@_process("clock", "ready_fd")
def clock(call: Call, ready_fd: int | None) -> None:
    """Run only the clock."""
    from cli.open_desk import serving
    from workers import run

    with serving(call.settings) as store:
        run.run_scheduler(store, partial(supervisor.reported, ready_fd))


@_process("console", "http", "ready_fd")
def console(call: Call, ready_fd: int | None) -> None:
    """Run the agents' pages."""
    from cli.open_desk import serving
    from console.web import health

    with serving(call.settings) as store:
        _serve(console_pages(store, health.routes(store)), call.settings, ready_fd)


@_process("http", "http", "ready_fd")
def http(call: Call, ready_fd: int | None) -> None:
    """Run form, API, Slack's events and the agents' pages on one address."""
    from cli.open_desk import serving

    with serving(call.settings) as store:
        _serve(console_pages(store, door_routes(store)), call.settings, ready_fd)


def alone(routes: Sequence[Any]) -> Any:
    """An application of these routes only."""
    from starlette.applications import Starlette

    return Starlette(routes=routes)


def door_routes(store: Store) -> list[Any]:
    """Form, inbound API, Slack's events, health."""
    from console.web import health
    from gateway.web.app import routes

    settings = store.settings
    doors = [*health.routes(store), *routes(store, settings)]
    if settings.slack_bot_token and settings.slack_signing_secret:
        # Slack's packages cost 20 MB, so they are imported where they are used.
        from gateway.slack import http as slack
        from gateway.slack.events import bolt_app

        app = bolt_app(store, settings, _utc_now)
        doors += slack.routes(app, settings.slack_signing_secret)
    return doors


def console_pages(store: Store, more: Sequence[Any]) -> Any:
    """The agents' pages, and more routes."""
    from console.routes import create_app

    return create_app(store, store.settings, more)


def _serve(app: Any, settings: Settings, ready_fd: int | None) -> None:
    pages = _pages(app, settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: pages.stop())
    supervisor.reported(ready_fd, {"http": pages.address})
    pages.run()


def _pages(app: Any, settings: Settings) -> Any:
    from console.web.connection_limit import connection_limit_for
    from console.web.server import WebServer

    return WebServer(
        app, *host_and_port("FRONTDESK_HTTP", settings.http), connection_limit_for(settings), settings.trusted_proxies
    )


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _raise_file_limit() -> None:
    """A thousand connections need a thousand files; a shell often allows fewer than the system would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
