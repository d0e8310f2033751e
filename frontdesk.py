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
from typing import Any

from console.cli import (
    caught,
    configuration,
    desk_words,
    incidents,
    init,
    learning_words,
    ledger,
    people,
    privacy,
    replay,
    report,
    reuse_words,
    show,
    signatures,
    staffing,
    supervisor,
    ticket_words,
    up,
)
from console.cli.desk import Trouble, ensure_folder, serving
from desk.request import Envelope
from desk.settings import BadSetting, Settings, host_and_port
from storage.log import configure_logging
from storage.store import Store

MOST_FILES = 65_536

Words = Any
"""What argparse calls _SubParsersAction, which is private and generic only for mypy."""


def main(argv: Sequence[str] | None = None) -> int:
    args = parser().parse_args(argv)
    try:
        settings = configuration.load(os.environ, _options(args), Path.cwd())
        if args.run in PROCESSES:
            # Until the process has its own way to stop, nothing is begun that would have to be finished.
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        configure_logging(settings if args.run in PROCESSES else replace(settings, log_level="warning"))
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


# -- processes ----------------------------------------------------------------------------------------------------


def run_up(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    _raise_file_limit()
    return up.up(settings, now, Path(__file__).resolve())


def run_gateway(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """SMTP, LMTP, IMAP and Slack's Socket Mode; with --http also the form, the API, Slack's events and health."""
    from starlette.applications import Starlette

    from gateway import run as gateway

    with serving(settings) as store, ExitStack() as beside:
        if args.http is not None:
            beside.enter_context(_pages(Starlette(routes=_door_routes(store)), settings).beside())
        gateway.run(store, partial(supervisor.reported, args.ready_fd))
    return 0


def run_worker(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """The actors and a clock; with --http also health."""
    from starlette.applications import Starlette

    from console import health
    from workers import run as worker

    worker.hold_signals()
    with serving(settings) as store, ExitStack() as beside:
        if args.http is not None:
            beside.enter_context(_pages(Starlette(routes=health.routes(store)), settings).beside())
        worker.run(store, partial(supervisor.reported, args.ready_fd))
    return 0


def run_clock(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    from workers import run as worker

    with serving(settings) as store:
        worker.run_clock(store, partial(supervisor.reported, args.ready_fd))
    return 0


def run_console(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """The agents' pages and health."""
    from console import health

    with serving(settings) as store:
        return _serve(_console(store, health.routes(store)), settings, args.ready_fd)


def run_http(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """All that `up` shows on its one web address."""
    with serving(settings) as store:
        return _serve(_console(store, _door_routes(store)), settings, args.ready_fd)


def run_replay(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    from gateway.email.replay_source import read_mails

    return replay.replay(args, settings, now, replay.Way(read_mails, _pipeline))


@contextmanager
def _pipeline(store: Store, now: datetime) -> Iterator[replay.Take]:
    """The way of fetched mail through jail, intake and ingest in this process, without any reaction."""
    from gateway import intake
    from gateway.directory import Directory
    from gateway.email.door import RawMail
    from gateway.email.jail import Jail
    from workers import ingest
    from workers.context import Context, open_context

    directory = Directory(store)
    directory.refresh()
    source = f"imap:{next(iter(sorted(box.address for box in directory.mailboxes)), 'nobody')}/replay"
    context: Context = open_context(store, react=False)
    context.now = lambda: now
    jail = Jail(store.settings.jail_size, own_domains=directory.domains)

    def take(mails: Sequence[bytes]) -> None:
        intake.accept_mails(store, jail, [RawMail(raw, Envelope(), source, now) for raw in mails])
        ingest.drain(context)

    try:
        yield take
    finally:
        jail.close()


def _door_routes(store: Store) -> list[Any]:
    """Form, inbound API, Slack's events, health."""
    from console import health
    from gateway.slack import http as slack
    from gateway.slack.door import bolt_app
    from gateway.web.app import routes

    settings = store.settings
    made = [*health.routes(store), *routes(store, settings)]
    if settings.slack_bot_token and settings.slack_signing_secret:
        app = bolt_app(store, settings, _utc_now)
        made += slack.routes(app, settings.slack_signing_secret, _utc_now)
    return made


def _console(store: Store, more: Sequence[Any]) -> Any:
    from console.app import create_app

    return create_app(store, store.settings, more)


def _serve(app: Any, settings: Settings, ready_fd: int | None) -> int:
    pages = _pages(app, settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: pages.stop())
    supervisor.reported(ready_fd, {"http": pages.address})
    pages.run()
    return 0


def _pages(app: Any, settings: Settings) -> Any:
    from console.run import Pages

    return Pages(app, *host_and_port("FRONTDESK_HTTP", settings.http))


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


def run_init(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    ensure_folder(settings)
    begun = init.begin(settings, now, patience=args.wait, agent=args.agent)
    if args.json:
        show.as_json(begun)
        return 0
    print(f"the desk in {settings.data.absolute()} is at version {begun.version}, with {', '.join(begun.mailboxes)}")
    if begun.password:
        print(f"agent {begun.agent}, password: {begun.password}\nIt is shown only now.")
    return 0


def run_doctor(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    from console.cli import doctor

    return doctor.doctor(args, settings, now)


def _train(store: Store, args: argparse.Namespace) -> Any:
    """In this process, which the agent watches."""
    from workers.retrain import Wish, retrain

    return retrain(store, _utc_now, Wish("command", "a person asked by command", dry_run=args.dry_run))


def _figures() -> Any:
    """Who counts and sends: the workers' own code, in this process."""
    from workers import figures

    return figures


def parser() -> argparse.ArgumentParser:
    """All words of the command."""
    top = argparse.ArgumentParser("frontdesk", description="A helpdesk that people reach the way they already write.")
    words = top.add_subparsers(required=True, metavar="COMMAND")
    _processes(words)
    _administration(words)
    _looking(words)
    learning_words.add(words, _group, _command, _train)
    reuse_words.add(words, _group, _command)
    desk_words.add(words, _group, _command)
    report.words(words, _command, _figures)
    return top


def _processes(words: Words) -> None:
    everything = _command(words, "up", run_up, "run the whole desk on this machine")
    gateway = _command(
        words, "gateway", run_gateway, "run the doors: SMTP, LMTP, IMAP, Slack; with --http the form too"
    )
    console = _command(words, "console", run_console, "run the agents' pages")
    http = _command(words, "http", run_http, "run form, API, Slack's events and the agents' pages on one address")
    worker = _command(words, "worker", run_worker, "do the work, with a clock beside it")
    clock = _command(words, "clock", run_clock, "run only the clock")
    for one in (everything, gateway):
        one.add_argument("--smtp", metavar="HOST:PORT", help="where SMTP listens; port 0 picks a free one")
        one.add_argument("--lmtp", metavar="HOST:PORT|/PATH", help="where LMTP listens")
    for one in (everything, gateway, console, http, worker):
        one.add_argument("--http", metavar="HOST:PORT", help="where the pages are")
    for one in (gateway, console, http, worker, clock):
        one.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)


def _administration(words: Words) -> None:
    begin = _command(words, "init", run_init, "make or migrate the desk's tables, with a first team, mailbox and agent")
    begin.add_argument("--agent", metavar="ADDRESS", help="the first agent's address")
    begin.add_argument("--wait", type=float, default=60.0, metavar="SECONDS", help="how long to wait for the database")
    _mailboxes(_group(words, "mailbox", "the addresses of the desk"))
    team = _group(words, "team", "the teams")
    _command(team, "add", people.team_add, "a new team").add_argument("name")
    _command(team, "list", people.team_list, "all teams")
    staffing.team_words(team, _command)
    privacy.team_words(team, _command)
    agent = _group(words, "agent", "the agents")
    add = _command(agent, "add", people.agent_add, "a new agent, or a new password and role for one")
    add.add_argument("address")
    add.add_argument("--name", default="")
    add.add_argument("--role", choices=people.ROLES, default="agent")
    add.add_argument("--team", action="append", default=[], metavar="NAME")
    add.add_argument("--slack-user", default="", metavar="slack:TEAM:USER")
    _command(agent, "list", people.agent_list, "all agents")
    _command(agent, "deactivate", people.agent_deactivate, "an agent who left").add_argument("address")
    staffing.agent_words(agent, _command)
    person = _group(words, "person", "people who write")
    privacy.person_words(person, _command)
    people.vip_words(person, _command)
    token = _group(words, "token", "tokens of the JSON API")
    add = _command(token, "add", people.token_add, "a new token, shown once")
    add.add_argument("name")
    add.add_argument("--scope", action="append", choices=people.SCOPES)
    _command(token, "list", people.token_list, "all tokens, without their secret")
    _command(token, "revoke", people.token_revoke, "make a token void").add_argument("id", type=int)


def _mailboxes(mailbox: Words) -> None:
    from gateway.email.imap_config import AUTH, START, TLS, read_config

    add = _command(mailbox, "add", partial(people.mailbox_add, check=read_config), "a new address of the desk")
    add.add_argument("address")
    add.add_argument("--name", default="")
    add.add_argument("--team", metavar="NAME")
    add.add_argument("--signature", metavar="TEXT", help=r"below every reply; \n is a new line, {agent} who answers")
    add.add_argument("--imap-host", metavar="HOST", help="fetch it from there")
    add.add_argument("--imap-port", type=int)
    add.add_argument("--imap-tls", choices=TLS)
    add.add_argument("--imap-user")
    add.add_argument("--imap-auth", choices=AUTH)
    for secret in ("password", "token"):
        for source in ("env", "file", "command"):
            add.add_argument(f"--imap-{secret}-{source}", help=f"where the {secret} is found")
    add.add_argument("--imap-folder", action="append", dest="imap_folders", metavar="NAME")
    add.add_argument("--imap-after", metavar="seen|nothing|move:FOLDER", help="what becomes of a mail that is stored")
    add.add_argument("--imap-start", choices=START, help="what of the older mail is fetched")
    add.add_argument("--imap-poll-seconds", type=float)
    add.add_argument("--imap-ca-file", metavar="FILE")
    add.add_argument("--imap-json", metavar="JSON", help="all of this at once, and `refresh` for OAuth refresh tokens")
    _command(mailbox, "list", people.mailbox_list, "all addresses of the desk")
    signatures.mailbox_words(mailbox, _command)


def _looking(words: Words) -> None:
    _command(words, "doctor", run_doctor, "look at everything that the desk depends on, and say what to do")
    _command(words, "ledger", ledger.ledger, "what was accepted, and how it ended")
    ticket_words.words(_group(words, "ticket", "the tickets"), _command)
    incidents.words(_group(words, "incident", "many people with the same trouble at the same time"), _command)
    again = _command(words, "replay", run_replay, "what would become of these mails? nothing is kept, nothing is sent")
    again.add_argument("source", help="an mbox, Maildir, folder of .eml files, or imaps://user@host/FOLDER")
    again.add_argument("--for-real", action="store_true", help="keep the tickets; still nothing is sent")
    again.add_argument("--verbose", action="store_true", help="a line for each mail")
    mail = _command(words, "caught", caught.caught, "outgoing mail that was caught because there is no relay")
    mail.add_argument("id", type=int, nargs="?", help="show this one whole")
    mail.add_argument("--kind", default="", help="only this kind: acknowledgement, notice, reply, command-answer")
    mail.add_argument("--reply-to", action="store_true", help="print only where the newest one wants its answer to go")
    aside = _group(words, "quarantine", "what was set aside")
    listing = _command(aside, "list", ledger.quarantine_list, "the newest ones")
    listing.add_argument("--most", type=int, default=200)
    _command(aside, "show", ledger.quarantine_show, "one, with its bytes").add_argument("id", type=int)
    _command(aside, "release", ledger.quarantine_release, "try one again").add_argument("id", type=int)


def _group(words: Words, name: str, text: str) -> Words:
    return words.add_parser(name, help=text, description=text).add_subparsers(required=True, metavar="COMMAND")


def _command(words: Words, name: str, run: Any, text: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = words.add_parser(name, help=text, description=text)
    made.set_defaults(run=run)
    made.add_argument("--data", metavar="DIR", help="the data folder (FRONTDESK_DATA_DIR)")
    made.add_argument("--json", action="store_true", help="answer in JSON")
    return made


def _options(args: argparse.Namespace) -> dict[str, str | None]:
    """The options that are settings."""
    given = {name: getattr(args, name, None) for name in ("smtp", "lmtp", "http")}
    return given | {"data_dir": args.data}


if __name__ == "__main__":
    sys.exit(main())
