"""How one mailbox is fetched: the JSON of `mailboxes.imap` as an ImapConfig, or BadImapConfig with the wrong field.

It holds the names of secrets, never a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TLS = ("ssl", "starttls", "none")
AUTH = ("password", "xoauth2", "oauthbearer")
START = ("unseen", "all", "new")
PORTS = {"ssl": 993, "starttls": 143, "none": 143}
LEAST_POLL, MOST_POLL = 1.0, 24 * 60.0
"""Seconds between two looks. A server may drop an IDLE after 30 minutes (RFC 2177), so none of ours lasts as long."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class BadImapConfig(ValueError):
    """A field of the mailbox's settings is wrong; the text names it and says what it should be."""


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret is found when it is needed: exactly one of a variable, a file and a command."""

    env: str = ""
    file: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class RefreshConfig:
    """An OAuth 2.0 refresh token and where it is turned into an access token (RFC 6749 section 6)."""

    url: str
    client_id: SecretSource
    client_secret: SecretSource | None
    refresh_token: SecretSource
    scope: str = ""
    fixed_client_id: str = ""


@dataclass(frozen=True, slots=True)
class ImapConfig:
    """`after` is what happens to a mail that is stored: "seen", "nothing", or "move" into `move_to`.

    `start` is what of the mail that was there before the desk watched the folder is fetched: "unseen", "all" or "new"
    (nothing of it). `ca_file` names the certificates that are trusted instead of the system's.
    """

    host: str
    port: int
    tls: str
    user: str
    folders: tuple[str, ...]
    auth: str
    secret: SecretSource | None
    refresh: RefreshConfig | None
    after: str = "seen"
    move_to: str = ""
    start: str = "unseen"
    poll_seconds: float = 60.0
    ca_file: str = ""
    guarded: bool = True
    """Its hosts are reached at public addresses only (`storage/runtime/guarded_connection.py`), unless the machine's
    owner says otherwise: what an earlier version stored has no word about it, and may have come over HTTP."""


KINDS = ("env", "file", "command")
_PLAIN = (
    "host",
    "port",
    "tls",
    "user",
    "folders",
    "auth",
    "after",
    "start",
    "poll_seconds",
    "ca_file",
    "refresh",
    "guarded",
)
_PLAIN_REFRESH = ("url", "scope", "client_id", "client_id_env")


def _known(plain: tuple[str, ...], *secrets: str) -> frozenset[str]:
    return frozenset((*plain, *(f"{secret}_{kind}" for secret in secrets for kind in KINDS)))


_KNOWN = _known(_PLAIN, "password", "token")
_KNOWN_REFRESH = _known(_PLAIN_REFRESH, "client_secret", "refresh_token")


def read_config(data: Mapping[str, Any]) -> ImapConfig:
    """The settings of one mailbox. Raises BadImapConfig at the first field that is wrong."""
    _refuse_unknown(data, _KNOWN, "")
    tls = _one_of(data, "tls", TLS)
    after, move_to = _after(_text(data, "after", "seen"))
    folders = _folders(data)
    if move_to in folders:
        raise BadImapConfig(f"after: {move_to!r} is one of the folders that are fetched; name another one")
    auth = _one_of(data, "auth", AUTH)
    secret, refresh = _credentials(data, auth)
    return ImapConfig(
        host=_text(data, "host"),
        port=_port(data, PORTS[tls]),
        tls=tls,
        user=_text(data, "user"),
        folders=folders,
        auth=auth,
        secret=secret,
        refresh=refresh,
        after=after,
        move_to=move_to,
        start=_one_of(data, "start", START),
        poll_seconds=_poll_seconds(data),
        ca_file=_text(data, "ca_file", ""),
        guarded=_flag(data, "guarded"),
    )


def _credentials(data: Mapping[str, Any], auth: str) -> tuple[SecretSource | None, RefreshConfig | None]:
    if auth == "password":
        return _source(data, "password"), None
    if "refresh" not in data:
        return _source(data, "token"), None
    if any(f"token_{kind}" in data for kind in KINDS):
        raise BadImapConfig("refresh: give either this or a token, not both")
    return None, _refresh(data["refresh"])


def _refresh(data: Any) -> RefreshConfig:
    if not isinstance(data, Mapping):
        raise BadImapConfig("refresh: should be an object with url, client_id and refresh_token_file")
    _refuse_unknown(data, _KNOWN_REFRESH, "refresh.")
    url = urlsplit(_text(data, "url", where="refresh."))
    # The refresh token is a password: it does not travel in the clear, except to this machine itself.
    if url.scheme != "https" and not (url.scheme == "http" and url.hostname in _LOOPBACK):
        raise BadImapConfig("refresh.url: should begin with https://")
    has_secret = any(f"client_secret_{kind}" in data for kind in KINDS)
    return RefreshConfig(
        url=url.geturl(),
        client_id=SecretSource(env=_text(data, "client_id_env", "", where="refresh.")),
        client_secret=_source(data, "client_secret", "refresh.") if has_secret else None,
        refresh_token=_source(data, "refresh_token", "refresh."),
        scope=_text(data, "scope", "", where="refresh."),
        fixed_client_id=_text(data, "client_id", "" if "client_id_env" in data else None, where="refresh."),
    )


def _source(data: Mapping[str, Any], name: str, where: str = "") -> SecretSource:
    kinds = [kind for kind in KINDS if f"{name}_{kind}" in data]
    if len(kinds) != 1:
        choice = f"{where}{name}_env, {where}{name}_file or {where}{name}_command"
        raise BadImapConfig(f"{where}{name}: name exactly one of {choice}")
    return SecretSource(**{kinds[0]: _text(data, f"{name}_{kinds[0]}", where=where)})


def _after(text: str) -> tuple[str, str]:
    if text in ("seen", "nothing"):
        return text, ""
    word, colon, folder = text.partition(":")
    if word == "move" and colon and folder.strip():
        return "move", folder.strip()
    raise BadImapConfig(f"after: {text!r} should be seen, nothing or move:FOLDER")


def _folders(data: Mapping[str, Any]) -> tuple[str, ...]:
    folders = data.get("folders", ["INBOX"])
    if not isinstance(folders, list) or not folders or not all(isinstance(f, str) and f.strip() for f in folders):
        raise BadImapConfig('folders: should be a list of names such as ["INBOX"]')
    return tuple(dict.fromkeys(folders))


def _port(data: Mapping[str, Any], default: int) -> int:
    port = data.get("port", default)
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        raise BadImapConfig(f"port: {port!r} should be a number from 1 to 65535")
    return port


def _poll_seconds(data: Mapping[str, Any]) -> float:
    seconds = data.get("poll_seconds", 60)
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or seconds <= 0:
        raise BadImapConfig(f"poll_seconds: {seconds!r} should be a number of seconds")
    return min(max(float(seconds), LEAST_POLL), MOST_POLL)


def _flag(data: Mapping[str, Any], name: str) -> bool:
    value = data.get(name, True)
    if not isinstance(value, bool):
        raise BadImapConfig(f"{name}: should be true or false")
    return value


def _one_of(data: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = data.get(name, choices[0])
    if value not in choices:
        raise BadImapConfig(f"{name}: {value!r} should be one of {', '.join(choices)}")
    return str(value)


def _text(data: Mapping[str, Any], name: str, default: str | None = None, where: str = "") -> str:
    value = data.get(name, default)
    if value is None:
        raise BadImapConfig(f"{where}{name}: is missing")
    if not isinstance(value, str) or not value.isprintable() or (not value and default is None):
        raise BadImapConfig(f"{where}{name}: should be a text of one line")
    return value


def _refuse_unknown(data: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    if "password" in data or "token" in data or "client_secret" in data or "refresh_token" in data:
        raise BadImapConfig(f"{where}password: secrets are not kept here; name a variable, a file or a command")
    unknown = sorted(set(data) - known)
    if unknown:
        raise BadImapConfig(f"{where}{unknown[0]}: there is no such setting; known are {', '.join(sorted(known))}")
