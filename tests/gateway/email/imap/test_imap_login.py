"""Getting into a mailbox: passwords, tokens and certificates, and that no error ever holds a secret."""

from __future__ import annotations

import base64
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.email.imap.config import read_config
from gateway.email.imap.credentials import Credentials
from gateway.email.imap.errors import ImapError
from gateway.email.imap.login import connect, drop
from storage.open_store import Store
from storage.people import people
from tests.gateway.email.imap import oauth_server
from tests.gateway.email.imap.imap_desk import ENVIRON, Desk, around, mail, until
from tests.gateway.email.imap.oauth_server import OAuthServer
from tests.servers import dovecot
from tests.servers.dovecot import PASSWORD, Dovecot


@pytest.fixture(scope="module")
def oauth() -> Iterator[OAuthServer]:
    with oauth_server.running() as server:
        yield server


@pytest.fixture(scope="module")
def server(oauth: OAuthServer) -> Iterator[Dovecot]:
    users = {"support": PASSWORD, "sales": "schlüssel öffnet"}
    with dovecot.running(users=users, introspection=f"{oauth.url}/introspect") as started:
        yield started


def settings(server: Dovecot, **changes: Any) -> dict[str, Any]:
    plain = {"host": "127.0.0.1", "port": server.imap_port, "tls": "none", "user": "support", "guarded": False}
    return plain | ({} if _names_secret(changes) else {"password_env": "SUPPORT_PASSWORD"}) | changes


def trouble(data: dict[str, Any], environ: dict[str, str] = ENVIRON) -> ImapError:
    with pytest.raises(ImapError) as caught:
        drop(login(data, environ))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


def login(data: dict[str, Any], environ: dict[str, str] = ENVIRON, clock: Any = lambda: 0.0) -> Any:
    config = read_config(data)
    return connect(config, Credentials(config, environ, clock))


def test_a_password_comes_from_a_variable_a_file_or_a_command(server: Dovecot, tmp_path: Path) -> None:
    kept = tmp_path / "password"
    kept.write_text(PASSWORD + "\n")
    for source in (
        {"password_env": "SUPPORT_PASSWORD"},
        {"password_file": str(kept)},
        {"password_command": f"cat {kept}"},
    ):
        client = login(settings(server, **source))
        assert client.select_folder("INBOX")[b"UIDVALIDITY"]
        drop(client)


def test_a_password_may_hold_letters_of_any_language(server: Dovecot) -> None:
    drop(login(settings(server, user="sales", password_env="SALES"), {"SALES": "schlüssel öffnet"}))


def test_a_wrong_password_is_refused_and_not_shown(server: Dovecot) -> None:
    error = trouble(settings(server, password_env="WRONG_PASSWORD"))
    assert error.refused
    assert "refused the login of support" in str(error)
    assert_no_secret(str(error), ENVIRON["WRONG_PASSWORD"])


def test_a_server_that_echoes_the_password_does_not_get_it_into_the_error() -> None:
    secret = ENVIRON["WRONG_PASSWORD"]
    with scripted(b"* OK ready\r\n", echo=True) as port:
        error = trouble(
            {
                "host": "127.0.0.1",
                "port": port,
                "tls": "none",
                "user": "x",
                "password_env": "WRONG_PASSWORD",
                "guarded": False,
            }
        )
    assert "•••" in str(error)
    assert_no_secret(str(error), secret)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"password_env": "NOT_SET"}, "the variable NOT_SET holds no secret"),
        ({"password_file": "/nonexistent/password"}, "cannot be read: FileNotFoundError"),
        ({"password_command": "sh -c 'echo Tr0ub4dor >&2; exit 3'"}, "failed with exit code 3"),
        ({"password_command": "/nonexistent/program"}, "did not start"),
    ],
)
def test_a_secret_that_is_not_there_is_named(server: Dovecot, source: dict[str, str], words: str) -> None:
    error = trouble(settings(server, **source))
    assert words in str(error)
    assert "Tr0ub4dor" not in str(error)


@pytest.mark.parametrize("tls", ["ssl", "starttls"])
def test_a_certificate_that_nobody_vouches_for_is_refused(server: Dovecot, tls: str) -> None:
    port = server.imaps_port if tls == "ssl" else server.imap_port
    error = trouble(settings(server, tls=tls, port=port))
    assert "is not trusted" in str(error)
    assert "ca_file" in str(error)


@pytest.mark.parametrize("tls", ["ssl", "starttls"])
def test_a_certificate_that_the_setting_names_is_accepted(server: Dovecot, tls: str) -> None:
    port = server.imaps_port if tls == "ssl" else server.imap_port
    drop(login(settings(server, tls=tls, port=port, ca_file=str(server.certificate))))


def test_a_certificate_for_another_name_is_refused(server: Dovecot) -> None:
    data = settings(server, tls="ssl", port=server.imaps_port, ca_file=str(server.certificate), host="127.0.0.2")
    assert any(words in str(trouble(data)) for words in ("is not trusted", "cannot be reached"))


def test_without_starttls_nothing_is_sent_in_the_clear() -> None:
    with scripted(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n") as port:
        data = {
            "host": "127.0.0.1",
            "port": port,
            "tls": "starttls",
            "user": "x",
            "password_env": "SUPPORT_PASSWORD",
            "guarded": False,
        }
        error = trouble(data)
    assert "offers no STARTTLS" in str(error)


@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
def test_a_token_command_logs_in(server: Dovecot, oauth: OAuthServer, auth: str) -> None:
    token = oauth.issue()
    drop(login(settings(server, auth=auth, token_command=f"echo {token}")))


@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
def test_a_token_that_the_server_refuses_is_not_shown(server: Dovecot, auth: str) -> None:
    error = trouble(settings(server, auth=auth, token_env="TOKEN"), {"TOKEN": "a-bad-verysecret-token"})
    assert error.refused
    assert_no_secret(str(error), "a-bad-verysecret-token")


def test_a_refresh_token_becomes_an_access_token_until_that_ends(server: Dovecot, oauth: OAuthServer) -> None:
    config = read_config(refreshing(server, oauth))
    seconds = [0.0]
    credentials = Credentials(config, secrets_of(oauth), lambda: seconds[0])
    before = len(oauth.issued)
    for _ in range(3):
        drop(connect(config, credentials))
    assert len(oauth.issued) == before + 1
    seconds[0] = oauth.lasts - 60.0
    drop(connect(config, credentials))
    assert len(oauth.issued) == before + 2


def test_a_refused_access_token_is_not_used_again(server: Dovecot, oauth: OAuthServer) -> None:
    config = read_config(refreshing(server, oauth))
    credentials = Credentials(config, secrets_of(oauth), lambda: 0.0)
    drop(connect(config, credentials))
    oauth.valid.clear()
    with pytest.raises(ImapError):
        connect(config, credentials)
    drop(connect(config, credentials))


def test_a_refresh_token_that_its_issuer_replaces_is_kept(
    server: Dovecot, oauth: OAuthServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth, "rotate", True)
    kept = tmp_path / "refresh"
    kept.write_text(oauth.refresh_token)
    data = refreshing(server, oauth)
    data["refresh"] = {**data["refresh"], "refresh_token_file": str(kept)}
    del data["refresh"]["refresh_token_env"]
    for _ in range(3):
        drop(login(data, secrets_of(oauth)))
    assert kept.read_text().strip() == oauth.refresh_token
    assert stat.S_IMODE(os.stat(kept).st_mode) == 0o600


def test_a_revoked_refresh_token_says_what_to_do_and_not_what_it_was(server: Dovecot, oauth: OAuthServer) -> None:
    error = trouble(refreshing(server, oauth), secrets_of(oauth) | {"REFRESH": "revoked-verysecret"})
    assert error.refused
    assert "invalid_grant" in str(error)
    assert "sign in again" in str(error)
    assert_no_secret(str(error), "revoked-verysecret")
    assert_no_secret(str(error), oauth.client_secret)


def test_a_wrong_password_shows_in_the_health_and_leaves_other_mailboxes_alone(
    store: Store, server: Dovecot, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(store, server)
    desk.add(password_env="WRONG_PASSWORD")
    desk.add("sales@example.test", password_env="SALES")
    server.append(mail(1), user="sales")
    with desk.kept(around(environ=ENVIRON | {"SALES": server.users["sales"]})):
        until(lambda: desk.mails)
        until(lambda: desk.health().failing_since)
        first = desk.health().failing_since
        until(lambda: "sales@example.test" in desk.mails[0].source)
    health = desk.health()
    assert "refused the login" in health.error
    assert health.failing_since == first
    assert desk.well(address="sales@example.test")
    assert_no_secret(health.error + capsys.readouterr().out, ENVIRON["WRONG_PASSWORD"])


def test_a_mailbox_with_wrong_settings_shows_as_failing_and_the_others_run(store: Store, server: Dovecot) -> None:
    desk = Desk(store, server)
    with store.database.transaction() as session:
        people.add_mailbox(session, "broken@example.test", "", None, {"host": "", "password_env": "X"})
    desk.add("sales@example.test", password_env="SALES")
    with desk.kept(around(environ={"SALES": server.users["sales"]})):
        until(lambda: desk.well(address="sales@example.test"))
    assert desk.health(address="broken@example.test").error == "host: should be a text of one line"


def refreshing(server: Dovecot, oauth: OAuthServer) -> dict[str, Any]:
    refresh = {
        "url": f"{oauth.url}/token",
        "client_id": "frontdesk",
        "client_secret_env": "CLIENT_SECRET",
        "refresh_token_env": "REFRESH",
    }
    return settings(server, auth="xoauth2", refresh=refresh)


def secrets_of(oauth: OAuthServer) -> dict[str, str]:
    return {"CLIENT_SECRET": oauth.client_secret, "REFRESH": oauth.refresh_token}


def assert_no_secret(text: str, secret: str) -> None:
    assert secret not in text
    assert base64.b64encode(secret.encode()).decode().rstrip("=") not in text


def _names_secret(changes: dict[str, Any]) -> bool:
    return any(name.startswith(("password_", "token_", "refresh")) for name in changes)


class scripted:  # noqa: N801 - used like a function
    """A server that greets and then refuses everything, with the words of the command if `echo` is set."""

    def __init__(self, greeting: bytes, echo: bool = False) -> None:
        self._greeting = greeting
        self._echo = echo
        self._server = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> int:
        threading.Thread(target=self._serve, daemon=True).start()
        return int(self._server.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(self._greeting)
            for line in lines:
                tag, _, words = line.strip().partition(b" ")
                if words.upper() == b"CAPABILITY":
                    connection.sendall(b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n")
                else:
                    connection.sendall(tag + b" NO I do not like " + (words if self._echo else b"that") + b"\r\n")
