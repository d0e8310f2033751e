"""Every recipient counts: each has a row, is tried by itself, and a ticket whose answer did not arrive comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from desk.mail.states import OutboundState
from desk.tickets import history, transitions
from desk.tickets.ticket import Actor, ActorKind
from storage.mail import outbound
from storage.open_store import Store
from storage.tickets import tickets
from tests.reports import dsn
from tests.servers.relay import Relay, listening
from tests.small_desk import ALICE, BOB, CAROL, EVE, SUPPORT, SmallDesk
from usecases.tickets import conversation
from usecases.tickets.conversation import Written
from workers.outbound import deliver

pytestmark = pytest.mark.slow

DAVE = "dave@partner.example.test"


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.fixture
def desk(any_store: Store, relay: Relay) -> Iterator[SmallDesk]:
    """A desk with a relay; Bob has written with Carol in copy, and Alice owns the ticket."""
    for port in listening(relay):
        settings = replace(any_store.settings, relay_url=f"smtp://127.0.0.1:{port}", acknowledge=False)
        settings = replace(settings, authserv_id="mx.desk.example.test")
        made = SmallDesk(replace(any_store, settings=settings))
        proof = ("Authentication-Results", "mx.desk.example.test; dmarc=pass header.from=home.example.test")
        made.receive(made.mail(BOB, "Help", "Please.", cc=CAROL, headers=[proof]))
        yield made


def answer(desk: SmallDesk, *, resolve: bool = False, text: str = "Try again.") -> dict[str, Any]:
    """Alice answers ticket 1; the row of the mail to the requester."""
    alice = Actor(ActorKind.AGENT, desk.alice.id, "Alice Agent")
    with desk.store.database.transaction() as session:
        held = tickets.get(session, 1, lock=True)
        assert held is not None
        ticket = conversation.reply(session, held, Written(alice, text, desk.now, via="console"))
        if resolve:
            tickets.save(session, transitions.resolve(ticket, alice, desk.now))
    desk.work()
    return desk.letters("reply")[-1]


def states(desk: SmallDesk) -> dict[str, str]:
    rows = [row for row in desk.letters() if row["kind"] in ("reply", "copy")]
    return {str(row["recipient"]): str(row["state"]) for row in rows}


def failures(desk: SmallDesk) -> list[tuple[str, str]]:
    return [(e.kind, e.after) for e in desk.events(1) if e.kind in ("undeliverable", "delivery_failed")]


def again(desk: SmallDesk) -> None:
    """On to the next try of whatever waits."""
    due = [row["next_at"] for row in desk.letters() if row["state"] == "queued"]
    desk.now = max([desk.now, *due])
    desk.work()


def returns(desk: SmallDesk, relay: Relay, address: str, about: str = "", **report: Any) -> None:
    """The report that the mail to `address` could not be delivered, sent to that mail's envelope sender."""
    ((sender, _, data),) = [one for one in relay.taken if address in one[1] and b"X-Frontdesk: reply" in one[2]] or [
        one for one in relay.taken if address in one[1]
    ]
    original = str(relay.got(address)[-1]["Message-ID"]).strip("<>")
    assert data
    raw = dsn(report.pop("original", original), about or address, sender, **report)
    desk.receive(desk.raw_mail(raw, "", [sender]))


def test_a_refused_copy_is_told_on_the_ticket_and_the_requester_gets_the_answer_once(
    desk: SmallDesk, relay: Relay
) -> None:
    relay.rcpt = {CAROL: "550 no such user"}
    answer(desk)
    again(desk)
    assert states(desk) == {BOB: "sent", CAROL: "undeliverable"} and len(relay.got(BOB)) == 1
    assert failures(desk) == [("undeliverable", CAROL)]
    assert desk.ticket(1).status == "pending" and desk.ticket(1).undelivered_at is None


def test_a_deferred_copy_is_tried_again_and_nobody_gets_the_mail_twice(desk: SmallDesk, relay: Relay) -> None:
    relay.rcpt = {CAROL: "451 greylisted"}
    answer(desk)
    relay.rcpt = {}
    again(desk)
    assert [len(relay.got(one)) for one in (BOB, CAROL)] == [1, 1] and failures(desk) == []
    assert relay.got(BOB)[0]["Message-ID"] == relay.got(CAROL)[0]["Message-ID"]
    assert [relay.got(CAROL)[0][name] for name in ("To", "Cc")] == [BOB, CAROL]


def test_a_deferred_requester_keeps_the_copy_from_nobody(desk: SmallDesk, relay: Relay) -> None:
    relay.rcpt = {BOB: "450 greylisted"}
    answer(desk)
    assert states(desk) == {BOB: "queued", CAROL: "sent"}
    relay.rcpt = {}
    again(desk)
    assert states(desk) == {BOB: "sent", CAROL: "sent"} and len(relay.got(CAROL)) == 1


def test_all_refused_are_all_told(desk: SmallDesk, relay: Relay) -> None:
    relay.rcpt = {BOB: "550 gone", CAROL: "550 gone"}
    answer(desk)
    assert sorted(failures(desk)) == [("undeliverable", BOB), ("undeliverable", CAROL)]


def test_all_deferred_and_then_refused_are_all_told(desk: SmallDesk, relay: Relay) -> None:
    relay.rcpt = {BOB: "451 later", CAROL: "451 later"}
    answer(desk)
    assert failures(desk) == []
    relay.rcpt = {BOB: "550 gone", CAROL: "550 gone"}
    again(desk)
    assert sorted(failures(desk)) == [("undeliverable", BOB), ("undeliverable", CAROL)]


def test_a_connection_lost_after_data_is_tried_again_under_the_same_id(desk: SmallDesk, relay: Relay) -> None:
    relay.hangs_up = 1
    answer(desk)
    again(desk)
    assert states(desk) == {BOB: "sent", CAROL: "sent"} and len(set(relay.message_ids()[-3:])) == 1


def test_a_relay_that_cannot_be_reached_for_two_days_ends_the_tries(desk: SmallDesk, relay: Relay) -> None:
    away = replace(desk.store.settings, relay_url="smtp://127.0.0.1:1")
    desk.context = replace(desk.context, store=replace(desk.store, settings=away))
    begun = desk.now
    answer(desk)
    for _ in range(len(deliver.BACK_OFF)):
        again(desk)
    assert timedelta(days=1) < desk.now - begun < timedelta(days=3)
    assert states(desk) == {BOB: "undeliverable", CAROL: "undeliverable"}
    assert desk.ticket(1).status == "open" and desk.ticket(1).undelivered_at == desk.now


@pytest.mark.parametrize("resolve", [True, False])
def test_an_answer_that_is_refused_brings_the_ticket_back(desk: SmallDesk, relay: Relay, resolve: bool) -> None:
    relay.rcpt = {BOB: "550 no such user"}
    answer(desk, resolve=resolve)
    ticket = desk.ticket(1)
    assert ticket.status == "open" and ticket.undelivered_at == desk.now and ticket.resolved_at is None
    assert ("undeliverable", BOB) in failures(desk)


def test_the_history_tells_that_an_answer_was_not_delivered(desk: SmallDesk, relay: Relay) -> None:
    relay.rcpt = {BOB: "550 no such user"}
    answer(desk, resolve=True)
    ticket, events = desk.ticket(1), desk.events(1)
    told = history.replay(history.beginning(ticket, events), events)
    assert told.undelivered_at == ticket.undelivered_at and told.status == ticket.status


def test_a_new_answer_takes_the_flag_away_and_its_failure_sets_it_again(desk: SmallDesk, relay: Relay) -> None:
    relay.rcpt = {BOB: "550 no such user"}
    answer(desk)
    desk.later(minutes=1)
    answer(desk, text="Once more.")
    assert desk.ticket(1).undelivered_at == desk.now
    relay.rcpt = {}
    answer(desk, text="And now.")
    assert desk.ticket(1).undelivered_at is None and desk.ticket(1).status == "pending"


@pytest.mark.parametrize("by_report", [True, False])
def test_an_answer_that_did_not_arrive_was_no_first_response(desk: SmallDesk, relay: Relay, by_report: bool) -> None:
    relay.rcpt = {} if by_report else {BOB: "550 no such user"}
    answer(desk)
    if by_report:
        assert desk.ticket(1).first_response_at is not None
        returns(desk, relay, BOB)
    ticket, events = desk.ticket(1), desk.events(1)
    assert ticket.first_response_at is None
    assert history.replay(history.beginning(ticket, events), events).first_response_at is None
    relay.rcpt = {}
    desk.later(hours=2)
    answer(desk, text="Once more.")
    assert desk.ticket(1).first_response_at == desk.now


def test_a_later_answer_that_does_not_arrive_leaves_the_first_response(desk: SmallDesk, relay: Relay) -> None:
    first_at, row = desk.now, answer(desk)
    desk.later(minutes=1)
    desk.receive(desk.mail(BOB, "Re: Help", "And now?", reply_to=str(row["external_id"])))
    relay.rcpt = {BOB: "550 no such user"}
    answer(desk, text="Like this.")
    assert desk.ticket(1).undelivered_at is not None and desk.ticket(1).first_response_at == first_at


def test_a_copy_that_does_not_arrive_leaves_the_first_response(desk: SmallDesk, relay: Relay) -> None:
    relay.rcpt = {CAROL: "550 no such user"}
    answer(desk)
    assert desk.ticket(1).first_response_at is not None


def test_the_requesters_next_message_takes_the_flag_away(desk: SmallDesk, relay: Relay) -> None:
    relay.rcpt = {BOB: "550 quota"}
    row = answer(desk)
    desk.receive(desk.mail(BOB, "Re: Help", "My mailbox was full.", reply_to=str(row["external_id"])))
    assert desk.ticket(1).undelivered_at is None


def test_agents_hear_of_a_refused_answer_and_of_a_refused_copy(desk: SmallDesk, relay: Relay) -> None:
    relay.rcpt = {BOB: "550 no such user", CAROL: "550 no such user"}
    answer(desk)
    desk.work()
    notices = [str(row["content"]) for row in desk.letters("notice", ALICE)]
    assert sum("to the requester could not be delivered" in one for one in notices) == 1
    assert sum("A copy of an answer could not be delivered" in one for one in notices) == 1


def test_a_refused_notice_moves_no_ticket_and_is_told_to_nobody(desk: SmallDesk, relay: Relay) -> None:
    relay.rcpt = {ALICE: "550 gone"}
    before = desk.ticket(1).status
    desk.receive(desk.mail(EVE, "New", "Please help.", message_id="n@x"))
    assert desk.ticket(1).status == before and desk.ticket(2).undelivered_at is None
    assert [e.after for e in desk.events(2) if e.kind == "undeliverable"] == [ALICE]
    assert len(desk.letters("notice", ALICE)) == 2


def test_a_report_about_a_copy_marks_the_copy_and_not_the_requester(desk: SmallDesk, relay: Relay) -> None:
    answer(desk)
    returns(desk, relay, CAROL)
    assert states(desk) == {BOB: "sent", CAROL: "bounced"} and failures(desk) == [("delivery_failed", CAROL)]
    assert desk.ticket(1).status == "pending" and desk.ticket(1).undelivered_at is None


def test_a_report_about_the_answer_brings_the_ticket_back(desk: SmallDesk, relay: Relay) -> None:
    answer(desk, resolve=True)
    returns(desk, relay, BOB)
    assert states(desk)[BOB] == "bounced" and failures(desk) == [("delivery_failed", BOB)]
    assert desk.ticket(1).status == "open" and desk.ticket(1).undelivered_at == desk.now


def test_a_report_without_a_message_id_is_known_by_the_address_that_it_came_to(desk: SmallDesk, relay: Relay) -> None:
    answer(desk)
    returns(desk, relay, BOB, original="")
    assert failures(desk) == [("delivery_failed", BOB)]


def test_the_same_report_twice_is_one_failure(desk: SmallDesk, relay: Relay) -> None:
    answer(desk)
    returns(desk, relay, BOB)
    returns(desk, relay, BOB, author="postmaster@mx.example.test")
    assert failures(desk) == [("delivery_failed", BOB)]


def test_a_delay_moves_nothing(desk: SmallDesk, relay: Relay) -> None:
    answer(desk)
    returns(desk, relay, BOB, status="4.4.1")
    assert states(desk)[BOB] == "sent" and "delivery_delayed" in desk.kinds(1) and failures(desk) == []
    assert desk.ticket(1).undelivered_at is None


def test_forged_reports_change_nothing(desk: SmallDesk, relay: Relay) -> None:
    first = str(answer(desk)["external_id"])
    relay.taken.clear()
    original = str(answer(desk, text="Once more.")["external_id"])
    senders = {to[0]: sender for sender, to, _ in relay.taken}
    forged = [
        (dsn(original, BOB, SUPPORT), SUPPORT),  # whoever saw an answer that quotes it knows the Message-ID
        (dsn("", BOB, senders[CAROL]), senders[CAROL]),  # Carol's mail is not Bob's
        (dsn(first, BOB, senders[CAROL]), senders[CAROL]),  # and proves nothing of another one
        (dsn(original, EVE, senders[BOB]), senders[BOB]),  # who never got the mail
        (dsn("fd.1.aaaa.aaaaaaaaaaaaaaaaaaaaaaaaaa@desk.example.test", BOB, SUPPORT), SUPPORT),
        (dsn(original, BOB, "support+z1-" + "a" * 25 + "@desk.example.test"), SUPPORT),
        (dsn(original, BOB, SUPPORT, author=EVE), SUPPORT),
    ]
    for raw, to in forged:
        desk.receive(desk.raw_mail(raw, "", [to]))
    assert states(desk) == {BOB: "sent", CAROL: "sent"} and failures(desk) == []
    assert desk.ticket(1).status == "pending" and len(desk.tickets()) == 1


@pytest.mark.parametrize("about", [BOB, DAVE])
@pytest.mark.parametrize("original", [None, ""])
def test_somebody_in_copy_cannot_say_that_another_recipient_got_nothing(
    desk: SmallDesk, relay: Relay, about: str, original: str | None
) -> None:
    with desk.store.database.transaction() as session:
        tickets.set_participant(session, 1, DAVE, "added")
    answer(desk, resolve=True)
    assert states(desk) == {BOB: "sent", CAROL: "sent", DAVE: "sent"}
    returns(desk, relay, CAROL, about, **({} if original is None else {"original": original}))
    assert states(desk) == {BOB: "sent", CAROL: "sent", DAVE: "sent"} and failures(desk) == []
    assert desk.ticket(1).status == "resolved" and desk.ticket(1).undelivered_at is None


def test_the_requesters_own_report_may_name_a_copy(desk: SmallDesk, relay: Relay) -> None:
    answer(desk)
    returns(desk, relay, BOB, CAROL)
    assert states(desk) == {BOB: "sent", CAROL: "bounced"} and desk.ticket(1).undelivered_at is None


def test_a_report_that_comes_weeks_later_changes_nothing(desk: SmallDesk, relay: Relay) -> None:
    answer(desk)
    desk.later(days=20)
    returns(desk, relay, BOB)
    assert failures(desk) == []


def test_a_report_to_the_mailbox_counts_if_our_mail_server_vouches_for_the_recipients(
    desk: SmallDesk, relay: Relay
) -> None:
    original = str(answer(desk)["external_id"])
    for domain in ("evil.example.test", "home.example.test"):
        assert failures(desk) == []
        proof = f"Authentication-Results: mx.desk.example.test; dmarc=pass header.from={domain}\r\n"
        raw = proof.encode() + dsn(original, BOB, SUPPORT, author=f"MAILER-DAEMON@{domain}")
        desk.receive(desk.raw_mail(raw, "", [SUPPORT]))
    assert failures(desk) == [("delivery_failed", BOB)]


def test_without_signed_senders_the_recipient_and_the_message_id_are_enough(desk: SmallDesk, relay: Relay) -> None:
    plain = replace(desk.store.settings, signed_bounces=False)
    desk.context = replace(desk.context, store=replace(desk.store, settings=plain))
    original = str(answer(desk)["external_id"])
    assert {sender for sender, to, _ in relay.taken if to == [BOB]} == {SUPPORT}
    desk.receive(desk.raw_mail(dsn(original, EVE, SUPPORT), "", [SUPPORT]))
    assert failures(desk) == []
    desk.receive(desk.raw_mail(dsn(original, CAROL, SUPPORT), "", [SUPPORT]))
    assert failures(desk) == [("delivery_failed", CAROL)]


def test_a_relay_that_lets_an_account_write_only_as_itself_gets_the_mailbox(desk: SmallDesk, relay: Relay) -> None:
    relay.writes_as = SUPPORT
    answer(desk)
    assert states(desk) == {BOB: "sent", CAROL: "sent"}


def test_mail_to_several_is_caught_once_where_there_is_no_relay(any_store: Store) -> None:
    desk = SmallDesk(any_store)
    desk.receive(desk.mail(BOB, "Help", "Please.", cc=CAROL))
    row = answer(desk)
    assert row["state"] == "caught" and desk.letters("copy") == []


def test_a_row_is_marked_by_the_report_that_was_faster_than_its_worker(desk: SmallDesk) -> None:
    number = int(str(answer(desk)["id"]))
    with desk.store.database.transaction() as session:
        assert outbound.mark_returned(session, number, "550") and not outbound.mark_returned(session, number, "550")
        outbound.mark(session, number, OutboundState.SENT, desk.now)
        row = outbound.get(session, number)
    assert row is not None and row["state"] == "bounced"
