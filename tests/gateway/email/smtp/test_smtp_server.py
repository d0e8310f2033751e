"""The SMTP door over real sockets: what it takes, what it refuses and in which words, and how it stays up."""

from __future__ import annotations

import asyncio
import dataclasses
import smtplib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from desk.mail.inbound_request import Envelope
from gateway.email.smtp.server import SmtpServer
from gateway.email.smtp.types import DiskFull, Outcome, RawMail, SmtpSettings
from tests.gateway.email.smtp.running_server import NOW, SETTINGS, RunningDoor, accepts, is_ours

MAIL = b"From: ann@there.test\r\nSubject: hello\r\n\r\nA line.\r\n"


@pytest.fixture
def door() -> Iterator[RunningDoor]:
    with RunningDoor() as door:
        yield door


def settings(**changes: object) -> SmtpSettings:
    return dataclasses.replace(SETTINGS, **changes)  # type: ignore[arg-type]  # names and values checked by the test


def send(door: RunningDoor, raw: bytes, *recipients: str) -> str:
    """Send one mail as a well-behaved peer does; the last reply."""
    with door.peer() as peer:
        reply = peer.announce(*recipients)
        if not reply.startswith("354"):
            return reply
        peer.send(b"\r\n".join(b"." + line if line[:1] == b"." else line for line in raw.split(b"\r\n")))
        return peer.say(b"." if raw.endswith(b"\r\n") else b"\r\n.")


def test_a_mail_is_handed_over_as_it_was_sent(door: RunningDoor) -> None:
    with smtplib.SMTP(*door.address()) as peer:
        peer.sendmail("ann@there.test", ["help@desk.test", "sales+x@desk.test"], MAIL)
    envelope = Envelope("ann@there.test", ("help@desk.test", "sales+x@desk.test"), "127.0.0.1")
    assert door.store.mails == [RawMail(MAIL, envelope, "help@desk.test,sales+x@desk.test", NOW)]


def test_250_comes_only_after_the_commit(door: RunningDoor) -> None:
    committing, go_on = threading.Event(), threading.Event()

    def slow(mails: Sequence[RawMail]) -> Sequence[Outcome]:
        committing.set()
        assert go_on.wait(10)
        return [Outcome.STORED] * len(mails)

    door.store.instead = slow
    with door.peer() as peer:
        peer.announce()
        peer.send(MAIL + b".\r\n")
        assert committing.wait(10)
        peer.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            peer.socket.recv(1)
        go_on.set()
        peer.socket.settimeout(10)
        assert peer.socket.recv(100).startswith(b"250 2.0.0")


@pytest.mark.parametrize(
    ("failure", "reply"),
    [
        (lambda mails: [Outcome.UNAVAILABLE] * len(mails), "451 4.3.0"),
        (lambda mails: [Outcome.DISK_FULL] * len(mails), "452 4.3.1"),
        (lambda mails: (_ for _ in ()).throw(DiskFull()), "452 4.3.1"),
        (lambda mails: (_ for _ in ()).throw(ConnectionError("secret")), "451 4.3.0"),
        (lambda mails: [], "451 4.3.0"),
    ],
)
def test_what_is_not_stored_is_not_accepted(door: RunningDoor, failure: object, reply: str) -> None:
    door.store.instead = failure  # type: ignore[assignment]  # a lambda of each kind
    answer = send(door, MAIL)
    assert answer.startswith(reply)
    assert "secret" not in answer
    door.store.instead = None
    assert send(door, MAIL).startswith("250")


def test_a_commit_that_takes_too_long_is_answered_451() -> None:
    release = threading.Event()
    with RunningDoor(settings(answer_seconds=0.05)) as door:
        door.store.instead = lambda mails: [Outcome.STORED] * len(mails) if release.wait(10) else []
        try:
            assert send(door, MAIL).startswith("451 4.3.0")
        finally:
            release.set()


@pytest.mark.parametrize(
    ("recipient", "reply"),
    [
        ("help@desk.test", "250 2.1.5"),
        ("HELP@DESK.test", "250 2.1.5"),
        ("help+t1.abc@desk.test", "250 2.1.5"),
        ('"help"@desk.test', "250 2.1.5"),
        ("hélp@desk.test", "250 2.1.5"),
        ("postmaster", "250 2.1.5"),
        ("nobody@desk.test", "550 5.1.1"),
        ("nobody", "550 5.1.1"),
        ("help@elsewhere.test", "550 5.7.1"),
        ("help@desk.test.elsewhere.test", "550 5.7.1"),
        ("help@[127.0.0.1]", "550 5.7.1"),
        ("@a.test,@b.test:help@desk.test", "550 5.7.1"),
        ("help%elsewhere.test@desk.test", "550 5.7.1"),
        ("elsewhere.test!help@desk.test", "550 5.7.1"),
        ('"help@elsewhere.test"@desk.test', "550 5.7.1"),
        ("", "501 5.1.3"),
        ("help@desk.test@elsewhere.test", "501 5.1.3"),
        ("help@desk.test> <x@elsewhere.test", "501 5.1.3"),
        ("help @desk.test", "501 5.1.3"),
        ("help@desk.test\x00", "500 5.5.2"),
        ("x" * 400 + "@desk.test", "501 5.1.3"),
        ("x" * 4000 + "@desk.test", "500 5.5.2"),
    ],
)
def test_only_addresses_of_ours_are_accepted(door: RunningDoor, recipient: str, reply: str) -> None:
    with door.peer() as peer:
        peer.reply()
        peer.say("EHLO there.test")
        peer.say("MAIL FROM:<ann@there.test> SMTPUTF8")
        assert peer.say(f"RCPT TO:<{recipient}>").startswith(reply)


@pytest.mark.parametrize(
    ("sender", "reply"),
    [
        ("<>", "250"),
        ("<ann@there.test> SIZE=1000 BODY=8BITMIME SMTPUTF8", "250"),
        ("<@relay.test:ann@there.test>", "250"),
        (" <ann@there.test>", "250"),
        ("ann@there.test", "250"),
        ('<"ann smith"@there.test>', "250"),
        (f"<ann@there.test> SIZE={40 * 1024 * 1024 + 1}", "552 5.3.4"),
        ("<ann@there.test> SIZE=" + "9" * 500, "552 5.3.4"),
        ("<ann@there.test> SIZE=-1", "555 5.5.4"),
        ("<ann@there.test> SIZE=", "501 5.1.7"),
        ("<ann@there.test> BODY=BINARYMIME", "555 5.5.4"),
        ("<ann@there.test> AUTH=<>", "555 5.5.4"),
        ("<ann@there.test", "501 5.1.7"),
        ("<ann@there.test>x", "501 5.1.7"),
    ],
)
def test_mail_from_is_read_strictly(door: RunningDoor, sender: str, reply: str) -> None:
    with door.peer() as peer:
        peer.reply()
        peer.say("EHLO there.test")
        assert peer.say(f"MAIL FROM:{sender}").startswith(reply)


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("VRFY help@desk.test", "252 2.1.5"),
        ("VRFY nobody@desk.test", "252 2.1.5"),
        ("EXPN staff", "502 5.5.1"),
        ("AUTH PLAIN AGFubgBzZWNyZXQ=", "530 5.7.0"),
        ("STARTTLS", "502 5.5.1"),
        ("NOOP", "250 2.0.0"),
        ("RSET", "250 2.0.0"),
        ("noop", "250 2.0.0"),
        ("ETRN desk.test", "500 5.5.1"),
        ("EHLO", "501 5.5.4"),
        ("LHLO there.test", "500 5.5.1"),
        ("RCPT TO:<help@desk.test>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("", "500 5.5.2"),
        ("QUIT", "221 2.0.0"),
    ],
)
def test_the_small_commands(door: RunningDoor, command: str, reply: str) -> None:
    with door.peer() as peer:
        peer.reply()
        peer.say("EHLO there.test")
        assert peer.say(command).startswith(reply)


def test_nothing_tells_which_software_this_is(door: RunningDoor) -> None:
    with door.peer() as peer:
        said = peer.reply() + peer.say("EHLO there.test") + peer.say("HELP") + peer.say("HELO there.test")
    assert said.startswith("220 mx.desk.test ESMTP250-mx.desk.test\n250-SIZE 41943040\n")
    assert not any(word in said.lower() for word in ("python", "aiosmtpd", "auth", "version", "frontdesk"))


def test_mail_needs_a_greeting_and_one_announcement(door: RunningDoor) -> None:
    with door.peer() as peer:
        peer.reply()
        assert peer.say("MAIL FROM:<a@b.test>").startswith("503")
        peer.say("HELO there.test")
        assert peer.say("MAIL FROM:<a@b.test>").startswith("250")
        assert peer.say("MAIL FROM:<c@d.test>").startswith("503")
        assert peer.say("DATA").startswith("503")


def test_reset_forgets_the_recipients(door: RunningDoor) -> None:
    with door.peer() as peer:
        peer.reply()
        for command in ("EHLO t", "MAIL FROM:<a@b.test>", "RCPT TO:<help@desk.test>", "RSET"):
            assert peer.say(command).startswith("250")
        assert peer.say("DATA").startswith("503")


def test_too_many_recipients_are_asked_to_come_in_another_mail() -> None:
    with RunningDoor(settings(most_recipients=3)) as door, door.peer() as peer:
        peer.reply()
        peer.say("EHLO t")
        peer.say("MAIL FROM:<a@b.test>")
        replies = [peer.say(f"RCPT TO:<help+{n}@desk.test>")[:9] for n in range(5)]
        assert replies == ["250 2.1.5"] * 3 + ["452 4.5.3"] * 2
        assert peer.say("DATA").startswith("354")
        assert peer.say(b"\r\nhello\r\n.").startswith("250")
    assert len(door.store.mails[0].envelope.rcpt_to) == 3


def test_a_mail_larger_than_its_word_is_refused_and_the_session_goes_on() -> None:
    with RunningDoor(settings(most_bytes=100_000)) as door, door.peer() as peer:
        peer.announce()
        peer.send((b"x" * 998 + b"\r\n") * 150)
        assert peer.say(b".").startswith("552 5.3.4")
        assert peer.say("NOOP").startswith("250")
    assert door.store.mails == []


def test_an_endless_mail_is_cut_off() -> None:
    with RunningDoor(settings(most_bytes=100_000)) as door, door.peer() as peer:
        peer.announce()
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            for _ in range(100_000):
                peer.send(b"x" * 10_000)


def test_no_room_in_memory_is_answered_452_and_small_mails_still_pass() -> None:
    with RunningDoor(settings(receiving_bytes=200_000)) as door, door.peer() as peer:
        peer.announce()
        peer.send(b"x" * 500_000 + b"\r\n")
        assert send(door, MAIL).startswith("250")
        assert peer.say(b".").startswith("452 4.3.1")
        assert send(door, b"x" * 150_000).startswith("250")


def test_a_mail_that_found_no_room_makes_room_for_the_others() -> None:
    with RunningDoor(settings(receiving_bytes=1_000_000)) as door, door.peer() as loser, door.peer() as winner:
        loser.announce()
        winner.announce()
        winner.send(b"x" * 300_000 + b"\r\n")
        loser.send(b"x" * 1_500_000 + b"\r\n")
        assert loser.say(b".").startswith("452 4.3.1")
        winner.send(b"x" * 600_000 + b"\r\n")
        assert winner.say(b".").startswith("250")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no header at all",
        b"Subject: nul \0 and \xff bytes\r\n\r\n\0\r\n",
        b"Subject: a\nonly: bare line feeds\n\nbody\nbody\n",
        b"Subject: a\ronly bare carriage returns\r\rbody",
        b"X: " + b"x" * 5_000 + b"\r\n\r\n" + b"y" * 300_000 + b"\r\n",
        b"Subject: dots\r\n\r\n.\r\n..\r\n.a\r\nb.\r\n.\r\n",
        b"." * 100_000,
        b"\r\n" * 50_000,
    ],
)
def test_malformed_mail_is_accepted_byte_for_byte(door: RunningDoor, raw: bytes) -> None:
    assert send(door, raw).startswith("250")
    assert door.store.mails[0].raw == (raw if raw.endswith(b"\r\n") else raw + b"\r\n")


SMUGGLERS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\n.\r",
    b"\n\n.\r\n",
    b"\r\r\n.\r\r\n",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\r\n.\r\0\n",
]


@pytest.mark.parametrize("ending", SMUGGLERS)
@pytest.mark.parametrize("pieces", ["whole", "bytes"])
def test_no_false_end_of_data_lets_a_second_mail_in(door: RunningDoor, ending: bytes, pieces: str) -> None:
    smuggled = b"MAIL FROM:<alice@corp.test>\r\nRCPT TO:<help@desk.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx"
    with door.peer() as peer:
        peer.announce()
        wire = b"Subject: outer\r\n\r\nouter" + ending + smuggled + b"\r\n.\r\n"
        for n in range(0, len(wire), len(wire) if pieces == "whole" else 1):
            peer.send(wire[n : n + (len(wire) if pieces == "whole" else 1)])
        assert peer.reply().startswith("550 5.5.2")
        assert peer.say("NOOP").startswith("250")
    assert door.store.mails == []


def test_a_command_that_ends_in_bare_lf_ends_the_session(door: RunningDoor) -> None:
    with door.peer() as peer:
        peer.reply()
        peer.send(b"EHLO there.test\nMAIL FROM:<a@b.test>\n")
        assert peer.rest() == ["500 5.5.2 Lines end with CR LF"]


def test_a_web_browser_is_sent_away(door: RunningDoor) -> None:
    with door.peer() as peer:
        peer.reply()
        peer.send(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO a\r\nMAIL FROM:<a@b.test>\r\n")
        assert peer.rest() == ["500 5.5.1 This is a mail server"]


def test_a_pipelined_group_is_answered_in_order(door: RunningDoor) -> None:
    with door.peer() as peer:
        peer.reply()
        mail = b"MAIL FROM:<a@b.test>\r\nRCPT TO:<help@desk.test>\r\nRCPT TO:<no@desk.test>\r\nDATA\r\n"
        peer.send(b"EHLO t\r\n" + mail)
        assert peer.reply().endswith("250 ENHANCEDSTATUSCODES")
        assert [peer.reply()[:3] for _ in range(4)] == ["250", "250", "550", "354"]
        peer.send(b"one\r\n.\r\n" + mail + b"two\r\n.\r\nQUIT\r\n")
        assert [reply[:3] for reply in peer.rest()] == ["250", "250", "250", "550", "354", "250", "221"]
    assert [mail.raw for mail in door.store.mails] == [b"one\r\n", b"two\r\n"]


def test_too_many_hops_are_a_loop(door: RunningDoor) -> None:
    assert send(door, b"received: from x\r\n" * 51 + b"\r\nbody\r\n").startswith("554 5.4.6")
    in_body = b"Subject: headers\r\n\r\n" + b"Received: from x\r\n" * 99
    assert send(door, b"Received: from x\r\n" * 50 + in_body).startswith("250")


def test_many_commands_without_a_mail_end_the_session() -> None:
    with RunningDoor(settings(most_commands=50)) as door, door.peer() as peer:
        peer.reply()
        peer.send(b"NOOP\r\n" * 200)
        replies = peer.rest()
    assert len(replies) == 51
    assert replies[-1].startswith("421 4.7.0")


def test_many_errors_end_the_session() -> None:
    with RunningDoor(settings(most_errors=5)) as door, door.peer() as peer:
        peer.reply()
        peer.send(b"EHLO t\r\nMAIL FROM:<a@b.test>\r\n" + b"RCPT TO:<guess@desk.test>\r\n" * 50)
        replies = peer.rest()
    assert [reply[:3] for reply in replies].count("550") == 6
    assert replies[-1].startswith("421 4.7.0")


def test_a_mail_that_is_stored_clears_the_count() -> None:
    with RunningDoor(settings(most_commands=10)) as door, smtplib.SMTP(*door.address()) as peer:
        for _ in range(20):
            peer.sendmail("ann@there.test", ["help@desk.test"], MAIL)
    assert len(door.store.mails) == 20


def test_connections_are_capped_in_all_and_by_address() -> None:
    caps = settings(most_connections=5, most_connections_per_address=2, exempt=("127.0.0.9/32",))
    with RunningDoor(caps) as door:
        first = [door.peer(source="127.0.0.2") for _ in range(3)]
        assert [peer.reply()[:3] for peer in first] == ["220", "220", "421"]
        relays = [door.peer(source="127.0.0.9") for _ in range(4)]
        assert [peer.reply()[:3] for peer in relays] == ["220", "220", "220", "421"]
        first[0].say("QUIT")
        assert first[0].rest() == []
        with door.peer(source="127.0.0.9") as peer:
            assert peer.reply().startswith("220")
        for peer in first + relays:
            peer.__exit__(None, None, None)


def test_the_rate_of_one_address_is_bounded_and_comes_back_with_time() -> None:
    now = [0.0]
    with RunningDoor(settings(mails_a_minute=3, exempt=("127.0.0.9/32",)), clock=lambda: now[0]) as door:

        def mail_from(source: str) -> str:
            with door.peer(source=source) as peer:
                peer.reply()
                peer.say("EHLO t")
                return peer.say("MAIL FROM:<a@b.test>")[:9]

        assert [mail_from("127.0.0.2") for _ in range(4)] == ["250 2.1.0"] * 3 + ["450 4.7.1"]
        assert mail_from("127.0.0.3") == "250 2.1.0"
        assert [mail_from("127.0.0.9") for _ in range(9)] == ["250 2.1.0"] * 9
        now[0] += 20.0
        assert [mail_from("127.0.0.2") for _ in range(2)] == ["250 2.1.0", "450 4.7.1"]


def test_who_says_nothing_is_sent_away() -> None:
    with RunningDoor(settings(idle_seconds=0.05)) as door, door.peer() as peer:
        assert peer.reply().startswith("220")
        assert peer.rest() == ["421 4.4.2 Nothing heard for too long"]


def test_a_mail_that_trickles_in_for_too_long_is_cut() -> None:
    with RunningDoor(settings(data_seconds=0.1)) as door, door.peer() as peer:
        peer.announce()
        peer.send(b"Subject: slow\r\n")
        assert peer.rest() == ["421 4.4.2 Nothing heard for too long"]
    assert door.store.mails == []


def test_when_it_is_crowded_the_silent_leave_sooner() -> None:
    with RunningDoor(settings(most_connections=2, crowded_idle_seconds=1.0)) as door, door.peer() as first:
        first.reply()
        with door.peer() as second:
            second.reply()
            second.say("NOOP")
            assert second.rest() == ["421 4.4.2 Nothing heard for too long"]


def test_a_mail_cut_off_in_the_middle_is_nothing(door: RunningDoor) -> None:
    with door.peer() as peer:
        peer.announce()
        peer.send(b"Subject: half\r\n\r\nhalf")
    assert send(door, MAIL).startswith("250")
    assert [mail.raw for mail in door.store.mails] == [MAIL]


def test_who_closes_his_side_early_still_gets_his_answers(door: RunningDoor) -> None:
    with door.peer() as peer:
        peer.send(b"EHLO t\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<help@desk.test>\r\nDATA\r\nhello\r\n.\r\n")
        peer.socket.shutdown(socket.SHUT_WR)
        assert [reply[:3] for reply in peer.rest()] == ["220", "250", "250", "250", "354", "250"]
    assert len(door.store.mails) == 1


def test_stopping_waits_for_the_mail_on_its_way_and_sends_the_others_home(door: RunningDoor) -> None:
    with door.peer() as idle, door.peer() as busy:
        idle.reply()
        busy.announce()
        busy.send(b"Subject: on my way\r\n")
        stopping = threading.Thread(target=door.stop)
        stopping.start()
        assert idle.rest() == ["421 4.3.2 Closing, come back soon"]
        assert busy.say(b"\r\nend\r\n.").startswith("250")
        assert busy.rest() == ["421 4.3.2 Closing, come back soon"]
        stopping.join(10)
    assert len(door.store.mails) == 1


def test_a_place_that_is_taken_names_itself() -> None:
    with RunningDoor() as door:
        place = door.door.addresses["smtp"][0]
        second = SmtpServer(settings(smtp=(place,), lmtp=()), lambda mails: [], accepts, is_ours)
        with pytest.raises(OSError, match=f"cannot listen on {place}"):
            asyncio.run(second.start())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    paths = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=mx.desk.test", "-days", "2", "-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run(command + names, check=True, capture_output=True)
    return paths


@pytest.fixture
def tls_door(certificate: tuple[Path, Path]) -> Iterator[RunningDoor]:
    with RunningDoor(settings(certificate=certificate[0], key=certificate[1])) as door:
        yield door


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def test_starttls_is_offered_once_and_works(tls_door: RunningDoor) -> None:
    with smtplib.SMTP(*tls_door.address()) as peer:
        peer.ehlo()
        assert peer.has_extn("starttls")
        peer.starttls(context=_trusting())
        assert peer.docmd("MAIL FROM:<a@b.test>")[0] == 503
        peer.ehlo()
        assert not peer.has_extn("starttls")
        assert not peer.has_extn("auth")
        assert peer.docmd("AUTH PLAIN x")[0] == 502
        peer.sendmail("ann@there.test", ["help@desk.test"], MAIL)
    assert tls_door.store.mails[0].raw == MAIL


def test_commands_slipped_in_behind_starttls_are_never_obeyed(tls_door: RunningDoor) -> None:
    slipped = b"EHLO evil\r\nMAIL FROM:<evil@there.test>\r\nRCPT TO:<help@desk.test>\r\nDATA\r\nevil\r\n.\r\n"
    with tls_door.peer() as peer:
        peer.reply()
        peer.say("EHLO t")
        peer.send(b"STARTTLS\r\n" + slipped)
        assert peer.rest() == ["501 5.5.1 Nothing may follow STARTTLS"]
    assert tls_door.store.mails == []


def test_clear_text_in_place_of_the_handshake_ends_the_session(tls_door: RunningDoor) -> None:
    with tls_door.peer() as peer:
        peer.reply()
        peer.say("EHLO t")
        assert peer.say("STARTTLS").startswith("220")
        peer.send(b"MAIL FROM:<evil@there.test>\r\nRCPT TO:<help@desk.test>\r\nDATA\r\nevil\r\n.\r\n")
        assert not any(reply.startswith("250") for reply in _bytes_as_lines(peer.socket))
    assert tls_door.store.mails == []


def _bytes_as_lines(connection: socket.socket) -> list[str]:
    seen = b""
    try:
        while chunk := connection.recv(1000):
            seen += chunk
    except ConnectionResetError:
        pass
    return seen.decode("latin-1").splitlines()
