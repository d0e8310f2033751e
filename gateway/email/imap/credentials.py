"""The password or access token of a mailbox: from a variable, a file, a command, or an OAuth 2.0 refresh token.

No error text contains a secret, and none is logged or stored, but for a refresh token that its issuer replaced, which
is written back into the file that it came from.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from gateway.email.imap.config import ImapConfig, RefreshConfig, SecretSource
from storage.runtime.guarded_connection import Guard

COMMAND_SECONDS = 30
TOKEN_SECONDS = 20
EARLY_SECONDS = 120
"""An access token is renewed this long before it ends."""
_MOST_ANSWER = 64 * 1024
log = structlog.get_logger()


class CredentialError(Exception):
    """The secret cannot be had; the text says why and what to do, without any secret."""


class Credentials:
    """The password or the access token of one mailbox. `clock` gives seconds that only grow; `guard` opens the
    connections of a mailbox whose servers came over HTTP."""

    def __init__(
        self, config: ImapConfig, environ: Mapping[str, str], clock: Callable[[], float], guard: Guard | None = None
    ) -> None:
        self._opener = _guarded_opener(guard or Guard()) if config.guarded else _OPENER
        self._config = config
        self._environ = environ
        self._clock = clock
        self._seen: set[str] = set()
        self._token: tuple[str, float] | None = None
        self._rotated = ""

    def secret(self) -> str:
        """The password or access token to log in with now."""
        if self._config.refresh is not None:
            return self._access_token(self._config.refresh)
        assert self._config.secret is not None
        return self._read(self._config.secret)

    def forget(self) -> None:
        """The server refused the access token: get a new one next time."""
        self._token = None

    def hidden(self, text: str) -> str:
        """The text with every secret that was ever handed out replaced, plain or in base 64."""
        return hide(text, self._seen)

    def _read(self, source: SecretSource) -> str:
        value = read_secret(source, self._environ)
        self._seen.add(value)
        return value

    def _access_token(self, refresh: RefreshConfig) -> str:
        if self._token is not None and self._clock() < self._token[1]:
            return self._token[0]
        form = self._form(refresh)
        answer = self._ask(refresh.url, form)
        token, lasts = answer.get("access_token"), answer.get("expires_in", 300)
        if not isinstance(token, str) or not token:
            raise CredentialError(f"{_host(refresh.url)} answered without an access token")
        self._seen.add(token)
        self._keep_rotated(refresh, answer.get("refresh_token"), form["refresh_token"])
        # The life of a token is a hint (RFC 6749 section 5.1); one that cannot be read counts as short.
        seconds = float(lasts) if isinstance(lasts, (int, float)) else 300.0
        self._token = (token, self._clock() + max(seconds - EARLY_SECONDS, seconds / 2))
        return token

    def _form(self, refresh: RefreshConfig) -> dict[str, str]:
        form = {"grant_type": "refresh_token", "refresh_token": self._rotated or self._read(refresh.refresh_token)}
        form["client_id"] = refresh.fixed_client_id or read_secret(refresh.client_id, self._environ)
        if refresh.client_secret is not None:
            form["client_secret"] = self._read(refresh.client_secret)
        if refresh.scope:
            form["scope"] = refresh.scope
        return form

    def _ask(self, url: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        request = urllib.request.Request(url, urllib.parse.urlencode(form).encode(), {"Accept": "application/json"})
        try:
            with self._opener.open(request, timeout=TOKEN_SECONDS) as response:
                return _json_object(response.read(_MOST_ANSWER))
        except urllib.error.HTTPError as error:
            with error:
                raise CredentialError(self._refusal(url, error.code, error.read(_MOST_ANSWER))) from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise CredentialError(self.hidden(f"{_host(url)} cannot be reached for a token: {reason}")) from None

    def _refusal(self, url: str, status: int, body: bytes) -> str:
        answer = _json_object(body)
        what = " ".join(str(answer.get(key, "")) for key in ("error", "error_description")).strip()[:300]
        advice = "; sign in again to get a new refresh token" if answer.get("error") == "invalid_grant" else ""
        return self.hidden(f"{_host(url)} refused to renew the access token: {status} {what}{advice}".strip())

    def _keep_rotated(self, refresh: RefreshConfig, new: Any, old: str) -> None:
        """An issuer may replace the refresh token with each use; the old one dies, at the latest after 90 days."""
        if not isinstance(new, str) or not new or new == old:
            return
        self._seen.add(new)
        self._rotated = new
        if not refresh.refresh_token.file:
            log.warning("oauth_refresh_token_replaced_but_not_kept", issuer=_host(refresh.url))
            return
        try:
            _replace(Path(refresh.refresh_token.file), new)
        except OSError as error:
            log.warning("oauth_refresh_token_replaced_but_not_kept", issuer=_host(refresh.url), error=error.strerror)


def read_secret(source: SecretSource, environ: Mapping[str, str]) -> str:
    """The secret without the line end behind it. Raises CredentialTrouble where there is not one line."""
    if source.env:
        found, where = environ.get(source.env, ""), f"the variable {source.env}"
    elif source.file:
        found, where = _from_file(source.file), f"the file {source.file}"
    else:
        found, where = _from_command(source.command, environ), "the command for the secret"
    value = found.rstrip("\r\n")
    if not value:
        raise CredentialError(f"{where} holds no secret")
    if not value.isprintable():
        raise CredentialError(f"{where} holds more than one line or control characters")
    return value


def hide(text: str, hidden: Iterable[str]) -> str:
    """The text with each of the secrets, plain, in base 64 or as a part of a URL, replaced by dots."""
    for secret in sorted(hidden, key=len, reverse=True):
        shapes = (
            secret,
            b64encode(secret.encode()).decode(),
            urllib.parse.quote(secret),
            urllib.parse.quote_plus(secret),
        )
        for shape in shapes:
            text = text.replace(shape, "•••")
    return text


def _from_file(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise CredentialError(f"the file {name} cannot be read: {type(error).__name__}") from None


def _from_command(command: str, environ: Mapping[str, str]) -> str:
    """What the command prints. Its own errors are not shown, because it may print what it was asked for there."""
    try:
        words = shlex.split(command)
        done = subprocess.run(
            words,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS,
            env=dict(environ),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CredentialError(f"the command for the secret took more than {COMMAND_SECONDS} seconds") from None
    except (OSError, ValueError) as error:
        raise CredentialError(f"the command for the secret did not start: {type(error).__name__}") from None
    if done.returncode != 0:
        raise CredentialError(f"the command for the secret failed with exit code {done.returncode}")
    return done.stdout.decode("utf-8", "replace")


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        with suppress(OSError):
            partial.unlink()
        raise


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token endpoint does not redirect, and a refresh token must not follow it elsewhere."""

    def redirect_request(self, *_request: Any) -> None:
        return None


class _GuardedHttp(urllib.request.HTTPHandler):
    """HTTP through the guard."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard

    def http_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(lambda host, timeout: self._guard.http("http", host, timeout), request)  # type: ignore[arg-type]


class _GuardedHttps(urllib.request.HTTPSHandler):
    """HTTPS through the guard."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self._guard = guard

    def https_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(lambda host, timeout: self._guard.http("https", host, timeout), request)  # type: ignore[arg-type]


def _guarded_opener(guard: Guard) -> urllib.request.OpenerDirector:
    """Without a proxy: a proxy would resolve the name itself, unchecked."""
    no_proxy = urllib.request.ProxyHandler({})
    return urllib.request.build_opener(no_proxy, _NoRedirect, _GuardedHttp(guard), _GuardedHttps(guard))


_OPENER = urllib.request.build_opener(_NoRedirect)


def _json_object(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).hostname or "the token server"
