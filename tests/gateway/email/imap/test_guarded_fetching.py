"""Servers that were named over HTTP are reached at checked addresses only: mailboxes, token endpoints, any fetch."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from desk.web.public_address import networks
from gateway.email.imap.config import BadImapConfig, read_config
from gateway.email.imap.credentials import CredentialError, Credentials
from gateway.email.imap.errors import ImapError
from gateway.email.imap.login import connect, drop
from storage.runtime.guarded_connection import AddressRefused, Guard
from tests.gateway.email.imap import oauth_server

LOOPBACK = Guard(networks(["127.0.0.0/8"]))
ENVIRON = {"SECRET": "verysecret", "REFRESH": "refresh-0-verysecret", "CLIENT": "client-verysecret"}


class Listener:
    """A server that counts who connects, and answers with fixed bytes."""

    def __init__(self, answer: bytes = b"") -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.answer, self.count = answer, 0

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.count += 1
            with connection:
                if self.answer:
                    connection.sendall(self.answer)
                    connection.recv(4096)


@contextmanager
def listening(answer: bytes = b"") -> Iterator[Listener]:
    listener = Listener(answer)
    thread = threading.Thread(target=listener.serve, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        listener.socket.shutdown(socket.SHUT_RDWR)
        listener.socket.close()
        thread.join()


class Resolver:
    """A name server that gives each answer once and then repeats the last; it remembers what it was asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, _host: str, _port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def imap(port: int, **changes: Any) -> dict[str, Any]:
    plain = {"host": "mail.example.test", "port": port, "tls": "none", "user": "x", "guarded": True}
    return plain | {"password_env": "SECRET"} | changes


def refreshing(url: str, **changes: Any) -> dict[str, Any]:
    secrets = {"client_secret_env": "CLIENT", "refresh_token_env": "REFRESH"}
    refresh = {"url": url, "client_id": "frontdesk", **secrets}
    given = imap(993, auth="xoauth2", refresh=refresh, **changes)
    return {name: value for name, value in given.items() if name != "password_env"}


def token(url: str, guard: Guard, **changes: Any) -> str:
    return Credentials(read_config(refreshing(url, **changes)), ENVIRON, lambda: 0.0, guard).secret()


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["::1"], ["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], []])
def test_a_name_with_an_inside_address_is_not_connected_to(answer: list[str]) -> None:
    with listening() as listener, pytest.raises(AddressRefused, match=r"mail\.example\.test"):
        Guard(resolve=Resolver(answer)).connect("mail.example.test", listener.port, 5)
    assert listener.count == 0


def test_a_name_that_answers_otherwise_a_moment_later_gains_nothing() -> None:
    resolver = Resolver(["127.0.0.2"], ["127.0.0.1"])
    guard = Guard(networks(["127.0.0.2/32"]), resolver)
    with listening() as listener:
        with pytest.raises(ConnectionRefusedError):
            guard.connect("mail.example.test", listener.port, 5)
        assert (listener.count, resolver.asked) == (0, 1)
        with pytest.raises(AddressRefused):
            guard.connect("mail.example.test", listener.port, 5)
    assert listener.count == 0


def test_a_guarded_mailbox_inside_is_not_connected_to() -> None:
    with listening(b"* OK ready\r\n") as listener:
        config = read_config(imap(listener.port))
        guard = Guard(resolve=Resolver(["127.0.0.1"]))
        with pytest.raises(ImapError, match="FRONTDESK_INTERNAL_NETWORKS"):
            drop(connect(config, Credentials(config, ENVIRON, lambda: 0.0, guard), guard))
    assert listener.count == 0


def test_a_guarded_mailbox_in_a_listed_network_and_one_of_the_owner_are_connected_to() -> None:
    with listening(b"* BYE not today\r\n") as listener:
        for changes, guard in (({}, Guard(LOOPBACK.allowed, Resolver(["127.0.0.1"]))), ({"guarded": False}, Guard())):
            config = read_config(imap(listener.port, **{"host": "127.0.0.1", **changes}))
            with pytest.raises(ImapError, match="not today"):
                connect(config, Credentials(config, ENVIRON, lambda: 0.0, guard), guard)
    assert listener.count == 2


def test_tls_of_a_guarded_mailbox_begins_behind_the_guard() -> None:
    with listening(b"no TLS here\r\n") as listener:
        config = read_config(imap(listener.port, tls="ssl"))
        for guard, what, count in (
            (Guard(resolve=Resolver(["127.0.0.1"])), "not a public server", 0),
            (Guard(LOOPBACK.allowed, Resolver(["127.0.0.1"])), "does not speak TLS", 1),
        ):
            with pytest.raises(ImapError, match=what):
                connect(config, Credentials(config, ENVIRON, lambda: 0.0, guard), guard)
            assert listener.count == count


def test_a_guarded_token_endpoint_inside_is_asked_nothing() -> None:
    with oauth_server.running() as server:
        with pytest.raises(CredentialError, match="not a public server"):
            token(f"{server.url}/token", Guard())
        assert server.issued == []
        assert token(f"{server.url}/token", LOOPBACK) == server.issued[0]
        assert token(f"{server.url}/token", Guard(), guarded=False) == server.issued[1]


def test_a_guarded_token_endpoint_is_not_reached_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve the name itself, after the check."""
    with listening() as proxy, oauth_server.running() as server:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert token(f"{server.url}/token", LOOPBACK) == server.issued[0]
    assert proxy.count == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_a_token_endpoint_is_not_followed(status: int) -> None:
    with listening() as target:
        head = f"HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:{target.port}/\r\nContent-Length: 0\r\n\r\n"
        with listening(head.encode()) as server, pytest.raises(CredentialError, match=str(status)):
            token(f"http://127.0.0.1:{server.port}/token", LOOPBACK)
    assert target.count == 0


def test_guarded_is_true_or_false() -> None:
    with pytest.raises(BadImapConfig, match="guarded"):
        read_config(imap(143, guarded="no"))
