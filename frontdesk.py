"""The key to the house: the `frontdesk` command. Its words, and which rooms work together in which process.

In: the command line and the environment. Out: an exit status: 0 done, 1 something is broken, 64 wrong words, 69 a
dependency is away, 78 a wrong setting. This is the only file that may know gateway, workers and console at once.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.data import configuration
from cli.data_folder import Trouble
from cli.grammar import Words, command
from cli.process import supervisor, up
from desk.config.settings import BadSetting, Settings, host_and_port, unknown
from desk.mail.inbound_request import Envelope
from storage.runtime.logging_setup import configure_logging

if TYPE_CHECKING:
    from cli.data.replay import Take
    from storage.open_store import Store

MOST_FILES = 65_536


def main(argv: Sequence[str] | None = None) -> int:
    given = sys.argv[1:] if argv is None else argv
    args = parser(given[0] if given else "").parse_args(given)
    try:
        settings = configuration.load(os.environ, _options(args), Path.cwd())
        if args.run in PROCESSES:
            # Until the process has its own way to stop, nothing is begun that would have to be finished.
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        configure_logging(settings if args.run in PROCESSES else replace(settings, log_level="warning"))
        if args.run is run_up:
            _name_unknown(unknown(os.environ))
        return int(args.run(args, settings, datetime.now(UTC)))
    except BadSetting as error:
        return _fail(str(error), 78)
    except Trouble as error:
        return _fail(str(error), error.code)
    except BrokenPipeError:
        return 0
    except OSError as error:
        return _fail(f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else ""), 71)
    except KeyboardInterrupt:
        return 130


def _name_unknown(names: Sequence[str]) -> None:
    for name in names:
        print(f"frontdesk: {name} is no setting and changes nothing; docs/running.md lists them", file=sys.stderr)


# -- processes ----------------------------------------------------------------------------------------------------


def run_up(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    _raise_file_limit()
    return up.up(settings, Path(__file__).resolve())


def run_gateway(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """SMTP, LMTP, IMAP and Slack's Socket Mode; with --http also the form, the API, Slack's events and health."""
    from cli.open_desk import serving
    from gateway import run as gateway

    with serving(settings) as store, ExitStack() as beside:
        if args.http is not None:
            beside.enter_context(_pages(_doors_alone(store), settings).beside())
        gateway.run(store, partial(supervisor.reported, args.ready_fd))
    return 0


def run_worker(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """The actors of all queues or of some, and a scheduler; with --http also health."""
    from cli.open_desk import serving
    from storage.runtime.queue import QUEUES
    from workers import run as worker

    queues = tuple(args.queues.split(",")) if args.queues else QUEUES
    if unknown := [name for name in queues if name not in QUEUES]:
        raise Trouble(f"there is no queue {unknown[0]!r}: they are {', '.join(QUEUES)}", 64)
    worker.hold_signals()
    with serving(settings) as store, ExitStack() as beside:
        if args.http is not None:
            beside.enter_context(_pages(_health_alone(store), settings).beside())
        worker.run(store, partial(supervisor.reported, args.ready_fd), queues)
    return 0


def run_clock(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    from cli.open_desk import serving
    from workers import run as worker

    with serving(settings) as store:
        worker.run_scheduler(store, partial(supervisor.reported, args.ready_fd))
    return 0


def run_console(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """The agents' pages and health."""
    from cli.open_desk import serving
    from console.web import health

    with serving(settings) as store:
        return _serve(_console(store, health.routes(store)), settings, args.ready_fd)


def run_http(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """All that `up` shows on its one web address."""
    from cli.open_desk import serving

    with serving(settings) as store:
        return _serve(_console(store, _door_routes(store)), settings, args.ready_fd)


def run_replay(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    from cli.data import replay
    from gateway.email.archives.replay_source import read_mails

    return replay.replay(args, settings, now, replay.Way(read_mails, _pipeline))


@contextmanager
def _pipeline(store: Store, now: datetime) -> Iterator[Take]:
    """The way of fetched mail through sandbox, intake and ingest in this process, without any reaction."""
    from gateway import intake
    from gateway.directory import Directory
    from gateway.email.sandbox.pool import SandboxPool
    from gateway.email.smtp.types import RawMail
    from workers.inbound import ingest
    from workers.runtime.context import Context, open_context

    directory = Directory(store)
    directory.refresh()
    source = f"imap:{next(iter(sorted(box.address for box in directory.mailboxes)), 'nobody')}/replay"
    context: Context = open_context(store, react=False)
    context.now = lambda: now
    sandbox = SandboxPool(store.settings.jail_size, own_domains=directory.domains)

    def take(mails: Sequence[bytes]) -> None:
        intake.accept_mails(store, sandbox, [RawMail(raw, Envelope(), source, now) for raw in mails])
        ingest.drain(context)

    try:
        yield take
    finally:
        sandbox.close()


def _doors_alone(store: Store) -> Any:
    from starlette.applications import Starlette

    return Starlette(routes=_door_routes(store))


def _health_alone(store: Store) -> Any:
    from starlette.applications import Starlette

    from console.web import health

    return Starlette(routes=health.routes(store))


def _door_routes(store: Store) -> list[Any]:
    """Form, inbound API, Slack's events, health."""
    from console.web import health
    from gateway.web.app import routes

    settings = store.settings
    made = [*health.routes(store), *routes(store, settings)]
    if settings.slack_bot_token and settings.slack_signing_secret:
        # Slack's packages cost 20 MB, so they are imported where they are used.
        from gateway.slack import http as slack
        from gateway.slack.events import bolt_app

        app = bolt_app(store, settings, _utc_now)
        made += slack.routes(app, settings.slack_signing_secret)
    return made


def _console(store: Store, more: Sequence[Any]) -> Any:
    from console.routes import create_app

    return create_app(store, store.settings, more)


def _serve(app: Any, settings: Settings, ready_fd: int | None) -> int:
    pages = _pages(app, settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: pages.stop())
    supervisor.reported(ready_fd, {"http": pages.address})
    pages.run()
    return 0


def _pages(app: Any, settings: Settings) -> Any:
    from console.web.connection_limit import connection_limit_for
    from console.web.server import WebServer

    return WebServer(
        app, *host_and_port("FRONTDESK_HTTP", settings.http), connection_limit_for(settings), settings.trusted_proxies
    )


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _fail(text: str, code: int) -> int:
    print(f"frontdesk: {text}", file=sys.stderr)
    return code


def _raise_file_limit() -> None:
    """A thousand connections need a thousand files; a shell often allows fewer than the system would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


PROCESSES = (run_up, run_gateway, run_worker, run_clock, run_console, run_http)
"""These tell in their log what they do; the other commands answer, and complain."""


# -- commands -----------------------------------------------------------------------------------------------------


def _train(store: Store, args: argparse.Namespace) -> Any:
    """In this process, which the agent watches."""
    from workers.training.train import TrainingRequest, retrain

    return retrain(store, _utc_now, TrainingRequest("command", "a person asked by command", dry_run=args.dry_run))


def _figures() -> Any:
    """Who counts and sends: the workers' own code, in this process."""
    from workers.timers import report_rollup

    return report_rollup


def _log_in(config: Any, settings: Settings) -> None:
    """Tries the login of a mailbox that is to be fetched; raises ValueError."""
    import time

    from gateway.email.imap import login
    from gateway.email.imap.credentials import Credentials
    from gateway.email.imap.errors import ImapError
    from storage.runtime.guarded_connection import guard_for

    guard = guard_for(settings)
    try:
        login.drop(login.connect(config, Credentials(config, os.environ, time.monotonic, guard), guard))
    except ImapError as error:
        raise ValueError(f"{error} (--no-test adds it all the same)") from error


def parser(first: str | None = None) -> argparse.ArgumentParser:
    """The whole command line, or as much of it as a call with this first word needs (None: all of it)."""
    from cli import parser as commands

    top, words = _top()
    _processes(words)
    ways = commands.Ways(_train, _figures, run_replay, _read_imap, _imap_words, _log_in)
    commands.add(words, ways, first)
    return top


def _read_imap(settings: Any) -> Any:
    from gateway.email.imap import config

    return config.read_config(settings)


def _imap_words() -> dict[str, Sequence[str]]:
    from gateway.email.imap import config

    return {"auth": config.AUTH, "start": config.START, "tls": config.TLS}


def _top() -> tuple[argparse.ArgumentParser, Words]:
    top = argparse.ArgumentParser("frontdesk", description="A helpdesk that people reach the way they already write.")
    top.add_argument("--version", action="version", version=f"frontdesk {_version()}")
    return top, top.add_subparsers(required=True, metavar="COMMAND")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("frontdesk")
    except PackageNotFoundError:
        return "(not installed)"


def _processes(words: Words) -> None:
    everything = command(words, "up", run_up, "run the whole desk on this machine")
    gateway = command(words, "gateway", run_gateway, "run the servers of mail and Slack; with --http the form too")
    console = command(words, "console", run_console, "run the agents' pages")
    http = command(words, "http", run_http, "run form, API, Slack's events and the agents' pages on one address")
    worker = command(words, "worker", run_worker, "do the work, with a clock beside it")
    worker.add_argument("--queues", metavar="NAME,NAME", help="take these queues only (all, unless told otherwise)")
    clock = command(words, "clock", run_clock, "run only the clock")
    for one in (everything, gateway):
        one.add_argument("--smtp", metavar="HOST:PORT", help="where SMTP listens; port 0 picks a free one")
        one.add_argument("--lmtp", metavar="HOST:PORT|/PATH", help="where LMTP listens")
    for one in (everything, gateway, console, http, worker):
        one.add_argument("--http", metavar="HOST:PORT", help="where the pages are")
    for one in (gateway, console, http, worker, clock):
        one.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)


def _options(args: argparse.Namespace) -> dict[str, str | None]:
    """The options that are settings."""
    given = {name: getattr(args, name, None) for name in ("smtp", "lmtp", "http")}
    return given | {"data_dir": args.data}


if __name__ == "__main__":
    sys.exit(main())
