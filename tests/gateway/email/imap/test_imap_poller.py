"""The IMAP door against a real Dovecot: everything once, in order, marked only when it is stored."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from gateway.email.imap import folder as imap_folder
from gateway.email.imap.errors import ImapError
from gateway.email.imap.poller import Backoff, PollerTiming
from gateway.email.smtp.types import DiskFull, Outcome, RawMail
from storage.open_store import Store
from tests.gateway.email.imap.imap_desk import QUICK, Desk, around, mail, until
from tests.servers import dovecot
from tests.servers.dovecot import CAPABILITY, Dovecot

pytestmark = pytest.mark.slow

SEEN = b"\\Seen"


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot.running() as started:
        yield started


@pytest.fixture
def desk(store: Store, server: Dovecot) -> Iterator[Desk]:
    yield Desk(store, server)
    server.empty()


def test_mails_arrive_in_order_with_their_envelope_and_are_marked_seen(desk: Desk, server: Dovecot) -> None:
    mailbox = desk.add()
    server.append(*(mail(n) for n in range(60)))
    with desk.kept():
        until(lambda: len(desk.mails) == 60)
        until(lambda: all(SEEN in flags for flags in server.contents().values()))
    assert desk.subjects() == [f"question number {n}" for n in range(60)]
    first = desk.mails[0]
    assert (first.raw, first.source) == (mail(0), "imap:support@example.test/INBOX")
    assert (first.envelope.mail_from, first.envelope.rcpt_to) == ("bounces+0@example.test", ("support@example.test",))
    assert desk.mark(mailbox).last_uid == max(server.contents())


@pytest.mark.parametrize("tls", ["none", "starttls", "ssl"])
def test_a_mail_that_comes_while_we_idle_is_fetched_at_once(desk: Desk, server: Dovecot, tls: str) -> None:
    desk.add(poll_seconds=1200, tls=tls, ca_file=str(server.certificate))
    with desk.kept():
        until(desk.well)
        for number in range(3):
            server.append(mail(number))
            until(lambda: desk.subjects()[-1:] == [f"question number {number}"])  # noqa: B023


def test_a_server_without_idle_is_asked_by_the_clock(store: Store) -> None:
    with dovecot.running(capability=CAPABILITY) as plain:
        desk = Desk(store, plain)
        desk.add(poll_seconds=1)
        with desk.kept():
            until(desk.well)
            plain.append(mail(1))
            until(lambda: desk.subjects() == ["question number 1"])


def test_every_folder_of_every_mailbox_is_fetched(desk: Desk, server: Dovecot) -> None:
    desk.add(folders=["INBOX", "Web form", "Été"])
    desk.add("sales@example.test")
    for folder in ("INBOX", "Web form", "Été"):
        server.append(mail(1, folder), folder=folder)
    server.append(mail(1, "to sales"), user="sales")
    with desk.kept():
        until(lambda: len(desk.mails) == 4)
        server.append(mail(2, "later"), folder="Web form")
        until(lambda: len(desk.mails) == 5)
    assert {one.source for one in desk.mails} == {
        "imap:support@example.test/INBOX",
        "imap:support@example.test/Web form",
        "imap:support@example.test/Été",
        "imap:sales@example.test/INBOX",
    }


def test_stored_mails_are_moved_where_the_setting_says(desk: Desk, server: Dovecot) -> None:
    desk.add(after="move:Done")
    server.append(mail(1), mail(2))
    with desk.kept():
        until(lambda: len(server.contents(folder="Done")) == 2)
    assert server.contents() == {}
    assert len(desk.rows()) == 2


def test_with_after_nothing_the_mailbox_stays_as_it_was(desk: Desk, server: Dovecot) -> None:
    desk.add(after="nothing")
    server.append(mail(1), flags=[b"\\Flagged"])
    with desk.kept():
        until(lambda: desk.mails)
        until(lambda: desk.health().lag_seconds == 0.0)
    ((_, flags),) = server.contents().items()
    assert set(flags) - {b"\\Recent"} == {b"\\Flagged"}


@pytest.mark.parametrize("answer", ["unavailable", "disk-full", "raises"])
def test_nothing_is_marked_before_it_is_stored(desk: Desk, server: Dovecot, answer: str) -> None:
    refusals = 0

    def refuse(mails: Sequence[RawMail]) -> Sequence[Outcome] | None:
        nonlocal refusals
        if refusals >= 3:
            return None
        assert all(SEEN not in flags for flags in server.contents().values())
        refusals += 1
        if answer == "raises":
            raise DiskFull
        return [Outcome(answer)] * len(mails)

    mailbox = desk.add()
    desk.before = refuse
    server.append(mail(1), mail(2))
    with desk.kept():
        until(lambda: refusals == 1 and desk.health().error)
        assert desk.mark(mailbox).last_uid == 0
        until(lambda: all(SEEN in flags for flags in server.contents().values()))
        until(desk.well)
    assert desk.subjects() == ["question number 1", "question number 2"]


def test_what_of_a_batch_is_stored_is_not_doubled_when_the_rest_follows(desk: Desk, server: Dovecot) -> None:
    asked = 0

    def first_only(mails: Sequence[RawMail]) -> Sequence[Outcome] | None:
        nonlocal asked
        asked += 1
        if asked > 1:
            return None
        desk.before = lambda _mails: None
        desk.accept(mails[:1])
        return [Outcome.STORED] + [Outcome.UNAVAILABLE] * (len(mails) - 1)

    desk.add()
    desk.before = first_only
    server.append(mail(1), mail(2), mail(3))
    with desk.kept():
        until(lambda: all(SEEN in flags for flags in server.contents().values()))
    assert len(desk.rows()) == 3


def test_a_new_uidvalidity_means_all_again_and_nothing_new(desk: Desk, server: Dovecot) -> None:
    mailbox = desk.add()
    server.append(*(mail(n) for n in range(5)))
    with desk.kept():
        until(lambda: len(desk.mails) == 5)
    server.doveadm("mailbox", "update", "-u", "support", "--uid-validity", "4711", "INBOX")
    server.append(mail(5))
    with desk.kept():
        until(lambda: len(desk.mails) == 11)
        until(lambda: desk.mark(mailbox).last_uid)
    assert desk.mark(mailbox).uidvalidity == 4711
    assert len(desk.rows()) == 6
    assert sum(row.repeats for row in desk.rows()) == 5


def test_mail_of_days_of_absence_is_fetched_in_order(desk: Desk, server: Dovecot) -> None:
    desk.add(start="new")
    with desk.kept():
        until(desk.well)
    server.append(*(mail(n) for n in range(300)), flags=[b"\\Seen"])
    with desk.kept():
        until(lambda: len(desk.mails) == 300)
    assert desk.subjects() == [f"question number {n}" for n in range(300)]
    assert len(desk.rows()) == 300


@pytest.mark.parametrize(("start", "wanted"), [("unseen", ["unread"]), ("all", ["read", "unread"]), ("new", [])])
def test_of_old_mail_only_what_is_asked_for_is_fetched(
    desk: Desk, server: Dovecot, start: str, wanted: list[str]
) -> None:
    desk.add(start=start)
    server.append(mail(1, "read"), flags=[b"\\Seen"])
    server.append(mail(2, "unread"))
    with desk.kept():
        until(desk.well)
        server.append(mail(3, "afterwards"), flags=[b"\\Seen"])
        until(lambda: "afterwards" in desk.subjects())
    assert desk.subjects() == [*wanted, "afterwards"]


def test_the_keeper_survives_a_server_that_goes_away(store: Store) -> None:
    with dovecot.running() as server:
        desk = Desk(store, server)
        desk.add()
        with desk.kept():
            until(desk.well)
            server.stop()
            until(lambda: desk.health().failing_since)
            assert "cannot be reached" in desk.health().error or "socket" in desk.health().error
            server.start()
            server.append(mail(1))
            until(lambda: desk.subjects() == ["question number 1"])
            until(desk.well)
            assert desk.health().error == ""


def test_only_one_of_two_gateways_fetches_a_mailbox(desk: Desk, server: Dovecot) -> None:
    desk.add()
    other = Desk(desk.store, server)
    with desk.kept(), other.kept():
        server.append(*(mail(n) for n in range(10)))
        until(lambda: len(desk.mails) + len(other.mails) >= 10)
        until(lambda: all(SEEN in flags for flags in server.contents().values()))
    assert sorted((len(desk.mails), len(other.mails))) == [0, 10]


def test_when_one_gateway_stops_the_other_takes_over(desk: Desk, server: Dovecot) -> None:
    desk.add()
    other = Desk(desk.store, server)
    with desk.kept():
        until(desk.well)
        with other.kept(around(pace=replace(QUICK, lease=0.6))):
            desk_keeper_done = len(desk.mails)
            assert desk_keeper_done == 0
        assert other.mails == []
    with other.kept():
        server.append(mail(1))
        until(lambda: len(other.mails) == 1)


def test_a_folder_that_is_not_there_does_not_hold_up_the_others(desk: Desk, server: Dovecot) -> None:
    desk.add(folders=["Nowhere", "INBOX"])
    server.append(mail(1))
    with desk.kept():
        until(lambda: desk.mails)
        until(lambda: desk.health("Nowhere").failing_since)
        assert desk.well("INBOX")
    assert "'Nowhere' cannot be opened" in desk.health("Nowhere").error


def test_a_folder_with_more_mails_than_one_search_may_answer_is_fetched_whole(
    desk: Desk, server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap_folder, "WINDOW", 4)
    desk.add(start="all")
    server.append(*(mail(n) for n in range(30)))
    with server.client() as client:
        client.select_folder("INBOX")
        first = min(client.search())
        client.delete_messages(range(first + 5, first + 25), silent=True)
        client.expunge()
    with desk.kept():
        until(lambda: len(desk.mails) == 10)
        until(lambda: desk.health().lag_seconds == 0.0)
    assert desk.subjects() == [f"question number {n}" for n in (*range(5), *range(25, 30))]


def test_pauses_after_failures_double_up_to_a_limit_and_begin_anew_after_success() -> None:
    backoff = Backoff(PollerTiming(), random.Random(1))
    pauses = [backoff.next(OSError()) for _ in range(30)]
    assert all(2.0**n / 2 <= pause <= 2.0**n for n, pause in enumerate(pauses[:8]))
    assert all(150 <= pause <= 300 for pause in pauses[9:])
    assert len(set(pauses[9:])) > 10
    backoff.reset()
    assert backoff.next(OSError()) <= 1
    assert backoff.next(ImapError("wrong password", refused=True)) >= 15
