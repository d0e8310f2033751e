"""`frontdesk up`: a whole desk on one machine, from the first start to the clean stop, and what it says on the way.

In: settings. Out: lines that a person (and a test) can read: where SMTP and HTTP are, and a first mail to send.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import structlog

from cli.data_folder import ensure_folder, note_running, only_one
from cli.process import valkey
from cli.process.supervisor import Program, StartFailed, Supervisor
from cli.trouble import Trouble
from desk.config.settings import Settings, host_and_port

DATABASE_PATIENCE = 60.0
DOORS, WORKERS, QUEUE = 0, 1, 2
"""The order of stopping: the servers first, the queue last."""
GRACE = {DOORS: 15.0, WORKERS: 30.0, QUEUE: 33.0}
"""Seconds after the call to stop until what is left is killed."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Begun:
    """What `frontdesk init` said of the desk. `password` is empty unless the agent was made just now."""

    version: str
    mailboxes: list[str]
    agent: str
    password: str


def up(settings: Settings, script: Path) -> int:
    """Run until Ctrl-C or SIGTERM; `script` is the command that starts each process."""
    ensure_folder(settings)
    settings = _with_public_url(replace(settings, data_dir=str(settings.data.absolute())))
    with only_one(settings):
        begun = _begin(settings, script)
        if begun.password:
            _say(f"A new desk. Sign in as {begun.agent} with the password {begun.password}\nIt is shown only now.\n")
        queue, url = _queue(settings)
        programs = [*queue, *_ours(replace(settings, redis_url=url), script)]
        return _supervised(settings, Supervisor(programs), begun, url)


def _begin(settings: Settings, script: Path) -> Begun:
    """`frontdesk init` in a process of its own: what it needs, who only watches need not carry for months."""
    words = ["init", "--json", "--wait", str(DATABASE_PATIENCE), "--data", settings.data_dir]
    done = subprocess.run([sys.executable, str(script), *words], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        # It has said why.
        sys.exit(max(done.returncode, 1))
    return Begun(**json.loads(done.stdout))


def _supervised(settings: Settings, supervisor: Supervisor, begun: Begun, redis_url: str) -> int:
    try:
        addresses = supervisor.start()
        http = f"http://{addresses['http']}/"
        note_running(settings, {"redis_url": redis_url, "smtp": addresses.get("smtp", ""), "http": http})
        _greet(settings, begun, addresses, http)
        supervisor.watch()
    except StartFailed as error:
        supervisor.stop()
        raise Trouble(str(error), error.code if error.code > 0 else 1) from error
    except KeyboardInterrupt:
        log.info("stopped_while_starting")
    _say("stopping: what was begun is finished first")
    clean = supervisor.stop()
    _say("stopped" if clean else "stopped; a process that did not end in time was killed")
    return 0


def _say(text: str) -> None:
    """Whoever listened may be gone by now, and that is no reason to stop any less cleanly."""
    with suppress(OSError):
        print(text, flush=True)


def _greet(settings: Settings, begun: Begun, addresses: Mapping[str, str], http: str) -> None:
    smtp = addresses.get("smtp", "")
    lines = [f"Frontdesk is running. Its data is in {settings.data}", ""]
    lines += [f"SMTP  {smtp}"] if smtp else []
    lines += [f"LMTP  {addresses['lmtp']}"] if "lmtp" in addresses else []
    lines += [f"HTTP  {http}", f"MAIL  {', '.join(begun.mailboxes)}", ""]
    if settings.trial:
        lines += [f"No FRONTDESK_RELAY_URL is set: outgoing mail is caught and shown at {http}caught", ""]
    if smtp:
        words = f"--to {begun.mailboxes[0]} --from you@example.com --header 'Subject: The printer is on fire'"
        lines += ["Send a first mail:", f"swaks --server {smtp} {words} --body 'Smoke comes out of it.'", ""]
    _say("\n".join([*lines, "Ctrl-C stops it."]))


def _queue(settings: Settings) -> tuple[list[Program], str]:
    """The queue to start, if there is none of ours, and its address."""
    if settings.redis_url:
        return [], settings.redis_url
    try:
        path = valkey.socket_path(settings.data)
        command = valkey.command(valkey.server_program(), path)
    except valkey.NoServer as error:
        raise Trouble(str(error), 78) from error
    url = valkey.url(path)
    output = settings.data / "valkey.log"
    return [
        Program("valkey", command, dict(os.environ), QUEUE, GRACE[QUEUE], partial(valkey.answers, path), output)
    ], url


def _ours(settings: Settings, script: Path) -> list[Program]:
    environ = dict(os.environ) | {
        "FRONTDESK_DATA_DIR": settings.data_dir,
        "FRONTDESK_REDIS_URL": settings.redis_url,
        "FRONTDESK_PUBLIC_URL": settings.public_url,
        "FRONTDESK_SMTP": settings.smtp,
        "FRONTDESK_LMTP": settings.lmtp,
        "FRONTDESK_HTTP": settings.http,
    }
    ranks = {"gateway": DOORS, "http": DOORS, "worker": WORKERS}
    return [
        Program(name, [sys.executable, str(script), name], environ, rank, GRACE[rank]) for name, rank in ranks.items()
    ]


def _with_public_url(settings: Settings) -> Settings:
    """Pages are linked in mails, so their address must be known before any process starts."""
    host, port = host_and_port("FRONTDESK_HTTP", settings.http)
    port = port or _free_port(host)
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return replace(settings, http=place, public_url=settings.public_url or f"http://{place}")


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
