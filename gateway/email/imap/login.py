"""Connects to an IMAP server: verified TLS and login, or an ImapError that says in plain words why it failed.

Nothing that it raises contains a secret, and IMAPClient's own protocol log, which would, is switched off.
"""

from __future__ import annotations

import ssl
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError

from gateway.email.imap.config import ImapConfig
from gateway.email.imap.credentials import CredentialError, Credentials
from gateway.email.imap.errors import ImapError, StoreRefused
from gateway.email.imap.idle import Client, GuardedClient
from storage.runtime.guarded_connection import AddressRefused, Guard

CONNECT_SECONDS = 20
READ_SECONDS = 60


def connect(config: ImapConfig, credentials: Credentials, guard: Guard | None = None) -> Any:
    """A logged-in IMAPClient. Raises ImapTrouble."""
    try:
        secret = credentials.secret()
    except CredentialError as error:
        raise ImapError(str(error), refused=True) from None
    client = _connected(config, guard or Guard())
    try:
        _log_in(client, config, secret)
    except (IMAPClientError, OSError, ValueError) as error:
        credentials.forget()
        drop(client)
        if isinstance(error, IMAPClientError) and not isinstance(error, IMAPClient.AbortError):
            why = credentials.hidden(_plain(error))
            raise ImapError(f"{config.host} refused the login of {config.user}: {why}", refused=True) from None
        raise ImapError(credentials.hidden(explain(error, config))) from None
    except BaseException:
        drop(client)
        raise
    return client


VOUCH = "frontdesk mailbox add with --imap-host, or frontdesk apply with a desk.toml"
"""How the machine's owner names a server within the own networks."""


def drop(client: Any) -> None:
    """Closes the socket; never raises."""
    try:
        client.shutdown()
    except (OSError, IMAPClientError, AttributeError):
        return


def explain(error: BaseException, config: ImapConfig) -> str:
    """The error of a connection, in words that say what to do."""
    place = f"{config.host}:{config.port}"
    if isinstance(error, (ImapError, StoreRefused)):
        return str(error)
    if isinstance(error, AddressRefused):
        return f"{error}. If it is yours, say so on this machine: {VOUCH}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {place} is not trusted ({error.verify_message}); nothing was sent to it. "
            "If this server is yours, name the certificate of its issuer in ca_file"
        )
    if isinstance(error, ssl.SSLError):
        return f"{place} does not speak TLS as it should ({error.reason or 'broken handshake'}); see tls and port"
    if isinstance(error, TimeoutError):
        return f"{place} did not answer in time"
    if isinstance(error, OSError):
        return f"{place} cannot be reached: {error.strerror or error}"
    if isinstance(error, IMAPClientError):
        return f"{place}: {_plain(error)}"
    # Any other error is internal; its text may quote a mail or a statement, so only its name is shown.
    return f"fetching stopped within the desk: {type(error).__name__}"


def _connected(config: ImapConfig, guard: Guard) -> Any:
    try:
        context = ssl.create_default_context(cafile=config.ca_file or None)
    except OSError as error:
        raise ImapError(f"ca_file: {config.ca_file} cannot be read: {error}", refused=True) from None
    timeout = SocketTimeout(CONNECT_SECONDS, READ_SECONDS)
    client = None
    try:
        client = _client(config, guard, context, timeout)
        # IMAPClient sends every line to a debug log, passwords in base 64 among them.
        client._imap.debug = 0
        if config.tls == "starttls":
            _start_tls(client, config, context)
        return client
    except (IMAPClientError, OSError) as error:
        if client is not None:
            drop(client)
        if isinstance(error, (OSError, IMAPClient.AbortError)):
            raise ImapError(explain(error, config), refused=isinstance(error, ssl.SSLError)) from None
        raise ImapError(f"{config.host}:{config.port}: {_plain(error)}") from None


def _client(config: ImapConfig, guard: Guard, context: ssl.SSLContext, timeout: SocketTimeout) -> Client:
    options = {"ssl": config.tls == "ssl", "ssl_context": context, "timeout": timeout}
    if config.guarded:
        return GuardedClient(guard, config.host, config.port, **options)
    return Client(config.host, config.port, **options)


def _start_tls(client: Any, config: ImapConfig, context: ssl.SSLContext) -> None:
    if not client.has_capability("STARTTLS"):
        drop(client)
        raise ImapError(f"{config.host}:{config.port} offers no STARTTLS; nothing was sent in the clear", refused=True)
    client.starttls(context)


def _log_in(client: Any, config: ImapConfig, secret: str) -> None:
    if config.auth == "xoauth2":
        words = f"user={config.user}\x01auth=Bearer {secret}\x01\x01"
        _sasl(client, "XOAUTH2", words)
    elif config.auth == "oauthbearer":
        name = config.user.replace("=", "=3D").replace(",", "=2C")
        _sasl(
            client,
            "OAUTHBEARER",
            f"n,a={name},\x01host={config.host}\x01port={config.port}\x01auth=Bearer {secret}\x01\x01",
        )
    elif client.has_capability("AUTH=PLAIN"):
        _sasl(client, "PLAIN", f"\0{config.user}\0{secret}")
    else:
        _plain_login(client, config, secret)


def _plain_login(client: Any, config: ImapConfig, secret: str) -> None:
    if client.has_capability("LOGINDISABLED"):
        raise ImapError(f"{config.host} takes no passwords on this connection; see tls", refused=True)
    if not (secret.isascii() and config.user.isascii()):
        raise ImapError(f"{config.host} takes only ASCII passwords", refused=True)
    client.login(config.user, secret)


def _sasl(client: Any, mechanism: str, words: str) -> None:
    """One answer with everything in it; a second question is the server's refusal, which wants an empty answer."""
    asked: list[bytes] = []

    def answer(challenge: bytes) -> bytes:
        asked.append(challenge)
        # RFC 7628 section 3.2.3: OAUTHBEARER's refusal is acknowledged by a single ^A, XOAUTH2's by nothing.
        if len(asked) > 1:
            return b"\x01" if mechanism == "OAUTHBEARER" else b""
        return words.encode()

    try:
        client.sasl_login(mechanism, answer)
    except IMAPClientError as error:
        if isinstance(error, IMAPClient.AbortError):
            raise
        said = b" ".join(asked[1:])[:200].decode("utf-8", "replace")
        raise IMAPClientError(f"{_plain(error)} {said}".strip()) from None


def _plain(error: BaseException) -> str:
    """The words of an error on one line, without Python's byte marks."""
    text = str(error)
    if text.startswith(("b'", 'b"')):
        text = text[2:-1]
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300] or type(error).__name__
