"""The LMTP door: its own greeting, one reply for each recipient, on TCP and on a unix socket."""

from __future__ import annotations

import dataclasses
import smtplib
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.email.smtp.types import Outcome
from tests.gateway.email.smtp.running_server import SETTINGS, RunningDoor

MAIL = b"Subject: hello\r\n\r\nA line.\r\n"


@pytest.fixture
def door() -> Iterator[RunningDoor]:
    with RunningDoor() as door:
        yield door


def test_the_greeting_is_lhlo_and_no_other(door: RunningDoor) -> None:
    with door.peer("lmtp") as peer:
        assert peer.reply() == "220 mx.desk.test LMTP"
        assert peer.say("EHLO t").startswith("500")
        assert peer.say("HELO t").startswith("500")
        offers = peer.say("LHLO t")
        assert all(offer in offers for offer in ("PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "SIZE"))


def test_each_accepted_recipient_gets_a_reply_of_its_own(door: RunningDoor) -> None:
    with door.peer("lmtp") as peer:
        peer.announce("help@desk.test", "nobody@desk.test", "sales@desk.test", "help@desk.test", hello="LHLO t")
        peer.send(MAIL + b".\r\nQUIT\r\n")
        assert [reply[:3] for reply in peer.rest()] == ["250", "250", "250", "221"]
    (mail,) = door.store.mails
    assert mail.envelope.rcpt_to == ("help@desk.test", "sales@desk.test")
    assert mail.source == "help@desk.test,sales@desk.test"


def test_a_mail_that_is_not_stored_fails_for_each_recipient(door: RunningDoor) -> None:
    door.store.instead = lambda mails: [Outcome.UNAVAILABLE] * len(mails)
    with door.peer("lmtp") as peer:
        peer.announce("help@desk.test", "sales@desk.test", hello="LHLO t")
        peer.send(MAIL + b".\r\nQUIT\r\n")
        assert [reply[:9] for reply in peer.rest()] == ["451 4.3.0", "451 4.3.0", "221 2.0.0"]


def test_without_a_recipient_there_is_no_data(door: RunningDoor) -> None:
    with door.peer("lmtp") as peer:
        assert peer.announce("nobody@desk.test", hello="LHLO t").startswith("503")


def test_a_unix_socket_serves_and_goes_away_with_the_door(tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    with RunningDoor(dataclasses.replace(SETTINGS, smtp=(), lmtp=(f"unix:{path}",))) as door:
        assert door.door.addresses == {"smtp": (), "lmtp": (f"unix:{path}",)}
        assert stat.S_ISSOCK(path.stat().st_mode)
        with smtplib.LMTP(str(path)) as peer:
            peer.sendmail("ann@there.test", ["help@desk.test"], MAIL)
        assert door.store.mails[0].envelope.peer == "unix"
    assert not path.exists()


def test_a_socket_that_a_killed_gateway_left_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    places = dataclasses.replace(SETTINGS, smtp=(), lmtp=(f"unix:{path}",))
    with RunningDoor(places), RunningDoor(places) as second, smtplib.LMTP(str(path)) as peer:
        peer.sendmail("ann@there.test", ["help@desk.test"], MAIL)
        assert len(second.store.mails) == 1
