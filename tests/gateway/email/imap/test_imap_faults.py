"""The IMAP door on bad days: death between two steps, mails that cannot be had, servers that fall silent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.email.imap.fetch import MOST_TRIES
from gateway.email.smtp.types import Outcome, RawMail
from storage.open_store import Store
from tests.conftest import SECRET
from tests.gateway.email.imap import imap_proxy
from tests.gateway.email.imap.imap_desk import ENVIRON, Desk, mail, until
from tests.gateway.email.imap.imap_proxy import HANG_UP
from tests.servers import dovecot
from tests.servers.dovecot import Dovecot

pytestmark = pytest.mark.slow

SEEN = b"\\Seen"
ROOT = Path(__file__).parents[4]


@pytest.fixture
def server() -> Iterator[Dovecot]:
    with dovecot.running() as started:
        yield started


@pytest.fixture
def desk(store: Store, server: Dovecot) -> Desk:
    return Desk(store, server)


# What a gateway does until it is killed in the window between the COMMIT and the flag.
DIES_AFTER_STORING = textwrap.dedent(
    """
    import os, signal, sys, time
    from desk.config.settings import Settings
    from storage.open_store import open_store
    from tests.servers.dovecot import Dovecot
    from tests.gateway.email.imap.imap_desk import Desk
    store = open_store(Settings(data_dir=sys.argv[1], secret_key=sys.argv[2]))
    desk = Desk(store, None)
    stored = desk.accept
    def accept(mails):
        stored(mails)
        os.kill(os.getpid(), signal.SIGKILL)
    desk.accept = accept
    with desk.kept():
        time.sleep(60)
    """
)


def test_death_between_store_and_flag_means_fetched_again_and_not_doubled(desk: Desk, server: Dovecot) -> None:
    mailbox = desk.add()
    server.append(*(mail(n) for n in range(5)))
    command = [sys.executable, "-c", DIES_AFTER_STORING, desk.store.settings.data_dir, SECRET]
    died = subprocess.run(command, cwd=ROOT, env=os.environ | ENVIRON, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL
    assert len(desk.rows()) == 5
    assert desk.mark(mailbox).last_uid == 0
    assert all(SEEN not in flags for flags in server.contents().values())
    with desk.kept():
        until(lambda: all(SEEN in flags for flags in server.contents().values()))
        until(lambda: desk.mark(mailbox).last_uid == 5)
    assert len(desk.rows()) == 5


def test_a_flag_is_never_set_without_a_row(desk: Desk, server: Dovecot) -> None:
    seen_too_early = []

    def look(mails: Sequence[RawMail]) -> Sequence[Outcome] | None:
        known = len(desk.rows())
        seen = sum(SEEN in flags for flags in server.contents().values())
        seen_too_early.append(seen > known)
        return None

    desk.add()
    desk.before = look
    server.append(*(mail(n) for n in range(80)))
    with desk.kept():
        until(lambda: len(desk.mails) == 80)
    assert seen_too_early
    assert not any(seen_too_early)


def test_a_large_mail_is_fetched_in_parts_and_is_whole(desk: Desk, server: Dovecot) -> None:
    large = mail(1) + b"".join(b"%075d\r\n" % n for n in range(60_000))
    desk.add()
    server.append(large, mail(2))
    with desk.kept():
        until(lambda: len(desk.mails) == 2)
    assert desk.mails[0].raw == large
    assert len(large) > 4 * 1024 * 1024


def test_a_mail_over_the_limit_is_set_aside_and_the_next_ones_come(store: Store, server: Dovecot) -> None:
    huge = mail(1) + b"x" * 76 * 30_000
    small = Desk(replace(store, settings=replace(store.settings, max_message_bytes=2_000_000)), server)
    small.add()
    server.append(huge, mail(2))
    with small.kept():
        until(lambda: len(small.mails) == 2)
        until(lambda: SEEN in server.contents()[2])
    assert "more than the 2000000 that are taken" in small.mails[0].quarantine
    assert small.mails[0].raw == huge[: 1024 * 1024]
    assert SEEN not in server.contents()[1]
    assert small.mails[1].quarantine == ""


def test_a_mail_that_the_server_cannot_give_does_not_hold_up_the_next(desk: Desk, server: Dovecot) -> None:
    def spoil(line: bytes) -> bytes | None:
        refused = b"BODY.PEEK[]" in line and b"UID FETCH" in line and _names(line, 1)
        return b"TAG NO [SERVERBUG] Internal error\r\n" if refused else None

    server.append(mail(1), mail(2), mail(3))
    with imap_proxy.between(server.imap_port, spoil) as proxy:
        desk.add(port=proxy.port)
        with desk.kept():
            until(lambda: len(desk.mails) == 3)
    assert [one.quarantine != "" for one in desk.mails] == [True, False, False]
    assert f"in {MOST_TRIES} attempts" in desk.mails[0].quarantine
    assert b"Subject: question number 1" in desk.mails[0].raw
    assert SEEN not in server.contents()[1]


def test_a_mail_that_kills_the_connection_does_not_hold_up_the_next(desk: Desk, server: Dovecot) -> None:
    def spoil(line: bytes) -> bytes | None:
        return HANG_UP if b"BODY.PEEK[" in line and _names(line, 1) else None

    server.append(mail(1), mail(2))
    with imap_proxy.between(server.imap_port, spoil) as proxy:
        desk.add(port=proxy.port)
        with desk.kept():
            until(lambda: len(desk.mails) == 2)
    assert desk.mails[0].quarantine
    assert desk.mails[1].raw == mail(2)


def test_a_mail_that_breaks_the_intake_is_set_aside_and_the_others_come(desk: Desk, server: Dovecot) -> None:
    attempts = 0

    def break_on_first(mails: Sequence[RawMail]) -> Sequence[Outcome] | None:
        nonlocal attempts
        if any(b"question number 1\r\n" in one.raw and not one.quarantine for one in mails):
            attempts += 1
            raise RecursionError("the words of a mail")
        return None

    desk.add()
    desk.before = break_on_first
    server.append(mail(1), mail(2), mail(3))
    with desk.kept():
        until(lambda: len({one.raw for one in desk.mails}) == 3)
        until(lambda: SEEN in server.contents()[3])
    assert attempts > MOST_TRIES
    aside = {row.reason for row in desk.rows() if row.state == "quarantined"}
    assert aside == {f"the intake failed on this mail {MOST_TRIES} times: RecursionError"}
    assert len(desk.rows()) == 3


def test_an_idle_that_falls_silent_costs_one_interval_and_no_mail(desk: Desk, server: Dovecot) -> None:
    with imap_proxy.between(server.imap_port) as proxy:
        desk.add(port=proxy.port, poll_seconds=1)
        with desk.kept():
            until(desk.well)
            proxy.deaf = True
            server.append(mail(1))
            until(lambda: desk.mails)


@pytest.mark.parametrize("command", [b"SELECT", b"UID SEARCH", b"UID FETCH", b"UID STORE", b"IDLE", b"DONE"])
def test_a_mail_that_comes_during_any_command_is_not_overlooked(desk: Desk, server: Dovecot, command: bytes) -> None:
    """The news of it then come with the answer to that command, and no later IDLE repeats them."""
    waiting = [mail(n) for n in range(2, 5)]

    def spoil(line: bytes) -> bytes | None:
        if command in line and waiting and desk.mails:
            server.append(waiting.pop())
        return None

    server.append(mail(0))
    with imap_proxy.between(server.imap_port, spoil) as proxy:
        desk.add(port=proxy.port, poll_seconds=1200)
        with desk.kept():
            until(lambda: desk.mails)
            server.append(mail(1))
            until(lambda: len(waiting) < 3)
            until(lambda: len(desk.mails) == 5 - len(waiting))


def test_a_session_that_the_server_ends_is_no_failure_if_the_next_one_begins(
    desk: Desk, server: Dovecot, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: list[bytes] = []

    def spoil(line: bytes) -> bytes | None:
        if line.strip() == b"DONE" and not ended:
            ended.append(line)
            return HANG_UP
        return None

    with imap_proxy.between(server.imap_port, spoil) as proxy:
        desk.add(port=proxy.port, poll_seconds=1)
        with desk.kept():
            until(lambda: ended)
            server.append(mail(1))
            until(lambda: desk.mails)
    assert "imap_mailbox_failed" not in capsys.readouterr().out


def test_a_server_that_refuses_its_own_idle_is_asked_by_the_clock(desk: Desk, server: Dovecot) -> None:
    def spoil(line: bytes) -> bytes | None:
        return b"TAG NO not today\r\n" if line.rstrip().endswith(b"IDLE") else None

    with imap_proxy.between(server.imap_port, spoil) as proxy:
        desk.add(port=proxy.port, poll_seconds=1)
        with desk.kept():
            until(desk.well)
            server.append(mail(1))
            until(lambda: desk.mails)
    assert sum(line.rstrip().endswith(b"IDLE") for line in proxy.lines) == 1


def test_a_server_that_does_not_let_us_flag_is_remarked_and_fetching_goes_on(desk: Desk, server: Dovecot) -> None:
    def spoil(line: bytes) -> bytes | None:
        return b"TAG NO [NOPERM] read-only\r\n" if b"UID STORE" in line else None

    with imap_proxy.between(server.imap_port, spoil) as proxy:
        desk.add(port=proxy.port)
        server.append(mail(1))
        with desk.kept():
            until(lambda: desk.mails)
            until(lambda: "refused to set" in desk.health().error)
            assert desk.health().failing_since is None
            server.append(mail(2))
            until(lambda: len(desk.mails) == 2)
    assert len(desk.rows()) == 2


def _names(line: bytes, uid: int) -> bool:
    """Whether a UID FETCH asks for this mail, be it by its number, in a list or in a range."""
    words = line.split()
    for part in words[3].split(b","):
        low, _, high = part.partition(b":")
        if int(low) <= uid <= int(high or low):
            return True
    return False
