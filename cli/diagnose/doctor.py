"""`frontdesk doctor`: every dependency looked at in turn, what was found, and what to do about it.

In: settings. Out: findings; exit status 1 if something is broken. It changes nothing, and prints no secret.
"""

from __future__ import annotations

import smtplib
import socket
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import click
import redis
import sqlalchemy as sa

from cli import output
from cli.command import Call, DeskCommand
from cli.data_folder import ensure_folder, running
from cli.diagnose import doctor_desk, doctor_running, doctor_slack
from cli.diagnose.findings import BROKEN, WARNING, Finding, broken, fine, warning
from cli.open_desk import first_line
from cli.process import valkey
from cli.trouble import Trouble
from desk.config.settings import Settings, host_and_port
from storage.db import schema
from storage.open_store import Store, database_url, open_store
from storage.runtime import secret_key

OLDEST_PYTHON = (3, 11)
CONNECT_SECONDS = 5.0
BEGIN = "run `frontdesk init` or `frontdesk up`"
_SIGNS = {WARNING: "!", BROKEN: "X"}


@click.command(cls=DeskCommand)
def doctor(call: Call) -> int:
    """Look at everything that the desk depends on, and say what to do."""
    findings = list(examine(call.settings, call.now))
    is_broken = any(finding.state == BROKEN for finding in findings)
    if call.as_json:
        output.as_json({"ok": not is_broken, "checks": findings})
    else:
        _print(findings)
    return int(is_broken)


def examine(settings: Settings, now: datetime) -> Iterator[Finding]:
    """All checks, in the order in which a person would mend things."""
    yield _python()
    yield _folder(settings)
    yield from doctor_running.differences(settings)
    settings = doctor_running.as_running(settings)
    yield doctor_desk.disk(settings.data)
    yield from _with_database(settings, now)
    yield _queue(settings)
    yield doctor_running.sandbox(now)
    yield relay(settings)
    yield from _signing(settings)
    yield from doctor_slack.examine(settings)
    yield from _ports(settings)


def _with_database(settings: Settings, now: datetime) -> Iterator[Finding]:
    path = Path(database_url(settings))
    if not settings.data.exists() or not (settings.database_url or path.exists()):
        yield broken("database", f"{path} is not there", BEGIN)
        return
    try:
        store = open_store(settings, pool_size=1)
    except secret_key.WrongKey as error:
        yield broken("secret key", str(error), "no process starts with it")
        return
    except sa.exc.DBAPIError as error:
        yield broken("database", first_line(error), "start it, or correct FRONTDESK_DATABASE_URL")
        return
    except OSError as error:
        yield broken("database", error.strerror or "cannot be opened", "see the data folder above")
        return
    try:
        found = _database(store)
        yield found
        if found.state == "ok":
            yield _key(store)
            yield from doctor_desk.examine(store, now)
            yield from doctor_slack.linked(store)
    finally:
        store.close()


def _database(store: Store) -> Finding:
    kind = store.database.engine.dialect.name
    try:
        found = schema.version(store.database)
    except sa.exc.DBAPIError as error:
        return broken("database", f"{kind}: {first_line(error)}", "start it, or correct FRONTDESK_DATABASE_URL")
    if found is None:
        return broken("database", f"{kind}, empty", BEGIN)
    if found != schema.NEWEST:
        return broken("database", f"{kind} at {found}, this release is at {schema.NEWEST}", "run `frontdesk init`")
    return fine("database", f"{kind} at {found}")


def _key(store: Store) -> Finding:
    try:
        secret_key.check(store.database, store.secret)
    except secret_key.WrongKey as error:
        return broken("secret key", str(error), "no process starts with it")
    return fine("secret key", "is the one that the desk signs with")


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        return broken("python", version, "install Python 3.11 or newer")
    return fine("python", version)


def _folder(settings: Settings) -> Finding:
    if not settings.data.exists():
        return broken("data folder", f"{settings.data.absolute()} is not there", BEGIN)
    try:
        ensure_folder(settings)
    except Trouble as trouble:
        return broken("data folder", str(trouble), "give this user the right to write there, or set FRONTDESK_DATA_DIR")
    return fine("data folder", str(settings.data.absolute()))


def _queue(settings: Settings) -> Finding:
    url = settings.redis_url or running(settings).get("redis_url", "")
    if url:
        if _is_there(url):
            return fine("queue", _without_password(url))
        return broken("queue", f"{_without_password(url)} does not answer", "start it; requests are kept meanwhile")
    try:
        return fine("queue", f"`frontdesk up` starts {valkey.server_program()}")
    except valkey.NoServer as error:
        return broken("queue", "none", str(error))


def _is_there(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=2.0, retry=None) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


def relay(settings: Settings) -> Finding:
    """Whether it answers, and takes the user and password."""
    if not settings.relay_url:
        return warning("relay", "none: outgoing mail is caught, nothing leaves", "set FRONTDESK_RELAY_URL to send mail")
    parts = urlsplit(settings.relay_url)
    host, port = parts.hostname or "", parts.port or _usual_port(parts)
    kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    try:
        with kind(host, port, timeout=CONNECT_SECONDS) as server:
            server.ehlo()
            if parts.username:
                if server.has_extn("starttls"):
                    server.starttls()
                server.login(unquote(parts.username), unquote(parts.password or ""))
    except smtplib.SMTPAuthenticationError:
        return broken("relay", f"{host}:{port} refuses the user or password", "correct FRONTDESK_RELAY_URL")
    except (OSError, smtplib.SMTPException) as error:
        return broken("relay", f"{host}:{port}: {type(error).__name__}", "start it, or correct FRONTDESK_RELAY_URL")
    return fine("relay", f"{host}:{port}")


def _signing(settings: Settings) -> Iterator[Finding]:
    """The key that signs outgoing mail, where one is set; whether the DNS knows it is not looked at."""
    if not settings.dkim_key:
        return
    where = f"selector {settings.dkim_selector}"
    try:
        readable = b"PRIVATE KEY-----" in Path(settings.dkim_key).read_bytes()
    except OSError as error:
        yield broken("dkim", f"{where}: {error.strerror}", "FRONTDESK_DKIM_KEY names a PEM file that we may read")
        return
    advice = "FRONTDESK_DKIM_KEY names an RSA key in a PEM file"
    yield fine("dkim", where) if readable else broken("dkim", f"{where}: the file holds no private key", advice)


def _usual_port(relay: SplitResult) -> int:
    if relay.scheme == "smtps":
        return 465
    return 587 if relay.username else 25


def _ports(settings: Settings) -> Iterator[Finding]:
    ours = running(settings)
    for name, text in (("smtp", settings.smtp), ("http", settings.http)):
        if ours.get(name):
            yield _answers(name, ours[name].removeprefix("http://").rstrip("/"))
        elif text:
            yield _free(name, text)


def _answers(name: str, place: str) -> Finding:
    host, port = host_and_port(name, place)
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except OSError as error:
        return broken(f"{name} port", f"{place}: {error.strerror or error}", "look at the log of `frontdesk up`")
    return fine(f"{name} port", f"{place} answers")


def _free(name: str, place: str) -> Finding:
    variable = f"FRONTDESK_{name.upper()}"
    host, port = host_and_port(variable, place)
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return warning(f"{name} port", f"{place}: {error.strerror}", f"if that is not this desk, set {variable}")
    return fine(f"{name} port", f"{place} is free; no `frontdesk up` runs here")


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _print(findings: list[Finding]) -> None:
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        print(f"{_SIGNS.get(finding.state, ' ')} {finding.name.ljust(width)}  {output.text_of(finding.found)}")
        if finding.advice:
            print(f"  {' ' * width}  → {finding.advice}")
