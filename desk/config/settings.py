"""How the processes run: `FRONTDESK_*` variables over `frontdesk.toml` over defaults; a wrong one is named."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from desk.priority.assess import DEFAULT_MATRIX, BadMatrix, matrix

_URLS = {
    "database_url": "postgresql://[USER[:PASSWORD]@][HOST][:PORT]/NAME or sqlite:////PATH",
    "redis_url": "redis://[:PASSWORD@]HOST[:PORT] or rediss://HOST[:PORT] or unix:///PATH",
    "relay_url": "smtp://[USER:PASSWORD@]HOST[:PORT] or smtps://HOST[:PORT]",
    "public_url": "https://HOST[:PORT] or http://HOST[:PORT]",
    "slack_api_url": "https://HOST/PATH or http://HOST/PATH",
}
"""Which forms of address each of these settings may have."""
_AT_LEAST_ONE = (
    "max_message_bytes",
    "smtp_connections",
    "smtp_connections_per_address",
    "http_connections",
    "http_connections_per_address",
    "worker_threads",
    "jail_size",
    "status_link_days",
)

_DOMAIN = re.compile(r"[^\s@<>,;:/]{1,253}")
_SELECTOR = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


class BadSetting(ValueError):
    """One setting is wrong; `name` is the variable, the text says what it should be."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a process must know before it starts. Lists are comma-separated in variables.

    `secret_key` signs reply addresses, Message-IDs and links. `authserv_id` is the id of the receiving MTA whose
    Authentication-Results headers count, and only if the connection comes from `trusted_relays`.
    `relay_url` is `smtp://[user:password@]host[:port]` or `smtps://…`; empty catches outgoing mail locally.
    `own_lists` are the List-Ids or addresses of lists that stand before a mailbox of ours; requests that come by them
    are acknowledged. `close_automatic`: absence notices and newsletters that belong to no ticket are closed at once.
    `signed_bounces`: each mail has an envelope sender of its own, so that a report of its failure proves itself.
    `time_zone` is the desk's own, such as `Europe/Berlin`. `dkim_key` is the path of a PEM file: mail that leaves
    is signed with it for the domain of its From; the public key is in the DNS at `dkim_selector._domainkey.DOMAIN`.
    `internal_networks` are networks inside the own one that mailboxes set up over HTTP may reach. Who has
    `metrics_token` may read /metrics from anywhere; without one only this machine may.
    `admins_see_private` shows admins the tickets of private teams that they are no members of.
    `slack_match_email`: an account in Slack is the agent whose address is the one that Slack has confirmed for it.
    `undo_send_seconds`: so long a reply of the console can be taken back before it leaves (at most 120; 0: not).
    `status_pages`: requesters see their requests in a browser; `status_links`: mails have the link, which works for
    `status_link_days`.
    `priority_matrix` has a row for each impact (many, team, one): its priority if the requester is blocked, if
    something works badly, if all is normal, if the matter is minor. `priority_trained`: the trained pair decides where
    it is sure; without it the rules decide alone.
    """

    data_dir: str = "data"
    database_url: str = ""
    redis_url: str = ""
    relay_url: str = ""
    signed_bounces: bool = True
    secret_key: str = ""
    desk_name: str = "Frontdesk"
    mail_domain: str = ""
    public_url: str = ""
    authserv_id: str = ""
    trusted_relays: tuple[str, ...] = ("127.0.0.1", "::1")
    trusted_proxies: tuple[str, ...] = ()
    internal_networks: tuple[str, ...] = ()
    smtp: str = "127.0.0.1:2525"
    lmtp: str = ""
    http: str = "127.0.0.1:8025"
    http_connections: int = 1000
    http_connections_per_address: int = 100
    metrics_token: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    max_message_bytes: int = 40_000_000
    smtp_connections: int = 500
    smtp_connections_per_address: int = 50
    smtp_mails_per_minute: int = 600
    worker_threads: int = 4
    jail_size: int = 2
    acknowledge: bool = True
    own_lists: tuple[str, ...] = ()
    close_automatic: bool = True
    acknowledgements_per_hour: int = 5
    acknowledgements_per_domain_and_hour: int = 100
    status_pages: bool = True
    status_links: bool = True
    status_link_days: int = 30
    time_zone: str = "UTC"
    admins_see_private: bool = False
    undo_send_seconds: int = 10
    priority_matrix: tuple[str, ...] = DEFAULT_MATRIX
    priority_trained: bool = True
    dkim_key: str = ""
    dkim_selector: str = ""
    slack_bot_token: str = ""
    slack_app_token: str = ""
    slack_signing_secret: str = ""
    slack_api_url: str = "https://slack.com/api/"
    slack_match_email: bool = False
    log_level: str = "info"
    log_json: bool = False

    @property
    def data(self) -> Path:
        return Path(self.data_dir)

    @property
    def trial(self) -> bool:
        """Without a relay no mail leaves this machine, and mail handed in on it counts as vouched for."""
        return not self.relay_url


def read(environ: Mapping[str, str], toml: Mapping[str, Any]) -> Settings:
    """Settings from variables and the parsed file; raises BadSetting naming the first wrong one."""
    known = {f.name: f.default for f in fields(Settings)}
    for name in toml:
        if name not in known:
            raise BadSetting(f"frontdesk.toml: {name}", "there is no such setting")
    values: dict[str, Any] = {}
    for name, default in known.items():
        variable = f"FRONTDESK_{name.upper()}"
        if variable in environ:
            values[name] = _from_text(variable, environ[variable], default)
        elif name in toml:
            values[name] = _from_toml(f"frontdesk.toml: {name}", toml[name], default)
    return _checked(Settings(**values))


PREFIX = "FRONTDESK_"
_OTHERS = frozenset({"FRONTDESK_CONFIG", "FRONTDESK_REPLAY_PASSWORD"})
"""Variables of ours that are no settings."""


def unknown(environ: Mapping[str, str]) -> list[str]:
    """Variables that begin as ours do and mean nothing; raises BadSetting for one that is nearly a setting's."""
    names = [f.name.upper() for f in fields(Settings)]
    known = {f"{PREFIX}{name}{end}" for name in names for end in ("", "_FILE")} | _OTHERS
    strange = sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
    for name in strange:
        near = difflib.get_close_matches(name.removeprefix(PREFIX).removesuffix("_FILE"), names, 1, 0.75)
        if near:
            raise BadSetting(name, f"there is no such setting; {PREFIX}{near[0]} is meant? Correct or remove it")
    return strange


def host_and_port(name: str, text: str) -> tuple[str, int]:
    """`HOST:PORT`, `:PORT` (loopback) or `[::1]:PORT`; port 0 picks a free one."""
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise BadSetting(name, f"{text!r} is not HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def _from_text(name: str, text: str, default: Any) -> Any:
    if isinstance(default, bool):
        if text.lower() not in ("1", "0", "true", "false", "yes", "no", "on", "off"):
            raise BadSetting(name, f"{text!r} is neither yes nor no")
        return text.lower() in ("1", "true", "yes", "on")
    if isinstance(default, int):
        if not (text.isascii() and text.isdigit()):
            raise BadSetting(name, f"{text!r} is not a whole number")
        return int(text)
    if isinstance(default, tuple):
        return tuple(item.strip() for item in text.split(",") if item.strip())
    return text


def _from_toml(name: str, value: Any, default: Any) -> Any:
    if isinstance(default, tuple) and isinstance(value, list):
        return tuple(str(item) for item in value)
    if type(value) is not type(default):
        raise BadSetting(name, f"{value!r} should be {type(default).__name__}")
    return value


def _checked(settings: Settings) -> Settings:
    for name in ("smtp", "http", "lmtp"):
        text = getattr(settings, name)
        if text and not (name == "lmtp" and text.startswith("/")):
            host_and_port(f"FRONTDESK_{name.upper()}", text)
    if settings.secret_key and len(settings.secret_key) < 32:
        raise BadSetting("FRONTDESK_SECRET_KEY", "needs at least 32 characters")
    for name, form in _URLS.items():
        _check_url(f"FRONTDESK_{name.upper()}", getattr(settings, name), form)
    for name in _AT_LEAST_ONE:
        if getattr(settings, name) < 1:
            raise BadSetting(f"FRONTDESK_{name.upper()}", "should be 1 or more")
    for name in ("trusted_relays", "internal_networks"):
        for network in getattr(settings, name):
            _check_network(f"FRONTDESK_{name.upper()}", network)
    for network in settings.trusted_proxies:
        _check_network("FRONTDESK_TRUSTED_PROXIES", network, strict=False)
    if settings.metrics_token and len(settings.metrics_token) < 16:
        raise BadSetting("FRONTDESK_METRICS_TOKEN", "needs at least 16 characters")
    _check_possible(settings)
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise BadSetting("FRONTDESK_LOG_LEVEL", "should be debug, info, warning or error")
    _check_mail(settings)
    try:
        matrix(settings.priority_matrix)
    except BadMatrix as error:
        raise BadSetting("FRONTDESK_PRIORITY_MATRIX", str(error)) from error
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise BadSetting(
            "FRONTDESK_TLS_CERT", "a certificate needs its key (FRONTDESK_TLS_KEY) and the other way round"
        )
    return settings


def _check_possible(settings: Settings) -> None:
    """Values that can be read and cannot be meant."""
    if not 0 <= settings.undo_send_seconds <= 120:
        raise BadSetting("FRONTDESK_UNDO_SEND_SECONDS", "should be 0 to 120 (a reply waits so long before it leaves)")
    if settings.mail_domain and not _DOMAIN.fullmatch(settings.mail_domain):
        raise BadSetting("FRONTDESK_MAIL_DOMAIN", f"{settings.mail_domain!r} is no domain such as example.org")
    if settings.authserv_id and len(settings.authserv_id.split()) != 1:
        raise BadSetting("FRONTDESK_AUTHSERV_ID", "should be one word: what Authentication-Results begin with")
    if settings.smtp == settings.http and not settings.smtp.endswith(":0"):
        raise BadSetting("FRONTDESK_HTTP", f"{settings.http} is FRONTDESK_SMTP's place already: choose another port")
    if settings.max_message_bytes < 10_000:
        raise BadSetting("FRONTDESK_MAX_MESSAGE_BYTES", "should be 10000 or more: octets of a whole mail")


def _check_mail(settings: Settings) -> None:
    """How outgoing mail is dated and signed."""
    try:
        ZoneInfo(settings.time_zone)
    except (KeyError, OSError, ValueError) as error:
        raise BadSetting("FRONTDESK_TIME_ZONE", f"{settings.time_zone!r} is no zone such as Europe/Berlin") from error
    if bool(settings.dkim_key) != bool(settings.dkim_selector):
        why = "a key needs its selector (FRONTDESK_DKIM_SELECTOR) and the other way round"
        raise BadSetting("FRONTDESK_DKIM_KEY", why)
    if settings.dkim_selector and not _SELECTOR.fullmatch(settings.dkim_selector):
        raise BadSetting("FRONTDESK_DKIM_SELECTOR", f"{settings.dkim_selector!r} is no part of a domain name")


def _check_url(name: str, text: str, form: str) -> None:
    """The text is never part of the complaint: these addresses have passwords in them."""
    if not text:
        return
    schemes = {one.partition("://")[0] for one in form.split(" or ")}
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise BadSetting(name, f"should be {form}") from error
    scheme = "postgresql" if parts.scheme in ("postgres", "postgresql+psycopg") else parts.scheme
    place = parts.path.strip("/") if scheme in ("postgresql", "sqlite", "unix") else parts.hostname
    if scheme not in schemes or port == 0 or not place:
        raise BadSetting(name, f"should be {form}")


def _check_network(name: str, text: str, *, strict: bool = True) -> None:
    try:
        ip_network(text, strict)
    except ValueError as error:
        raise BadSetting(name, f"{text!r} is neither an IP address nor a network such as 10.0.0.0/8") from error
