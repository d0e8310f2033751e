"""Which ticket a mail lands on: signals, late parents, copies, strangers, split and merge."""

from __future__ import annotations

from itertools import permutations

import pytest

from desk.tickets.ticket import DESK
from tests.small_desk import ALICE, BILLING, BOB, CAROL, EVE, SUPPORT, SmallDesk
from usecases.tickets import conversation, merging
from usecases.tickets.merging import MergeRequest


def test_a_reply_finds_its_parent_by_message_id(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Printer", "It burns.", message_id="p@x"))
    desk.receive(desk.mail(BOB, "Re: Printer", "More smoke.", reply_to="p@x"))
    assert [m.signal for m in desk.messages(1)] == ["new", "references"] and len(desk.tickets()) == 1


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_parents_and_replies_in_any_order_make_one_ticket(any_desk: SmallDesk, order: tuple[int, ...]) -> None:
    mails = [
        any_desk.mail(BOB, "Printer", "It burns.", message_id="a@x"),
        any_desk.mail(BOB, "Re: Printer", "One more.", message_id="b@x", reply_to="a@x"),
        any_desk.mail(BOB, "Re: Printer", "And another.", message_id="c@x", reply_to="a@x"),
    ]
    for position in order:
        any_desk.receive(mails[position])
    assert len(any_desk.tickets()) == 1 and len(any_desk.messages(1)) == 3


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_chain_in_any_order_makes_one_ticket_though_each_names_only_its_parent(
    any_desk: SmallDesk, order: tuple[int, ...]
) -> None:
    mails = [
        any_desk.mail(BOB, "Printer", "It burns.", message_id="a@x"),
        any_desk.mail(BOB, "Re: Printer", "One more.", message_id="b@x", reply_to="a@x"),
        any_desk.mail(BOB, "Re: Printer", "And another.", message_id="c@x", reply_to="b@x"),
    ]
    for position in order:
        any_desk.receive(mails[position])
    alive = [ticket for ticket in any_desk.tickets() if ticket.merged_into is None]
    assert len(alive) == 1 and len(any_desk.messages(alive[0].id)) == 3
    any_desk.receive(any_desk.mail(BOB, "Re: Printer", "Last.", reply_to="c@x"))
    assert len(any_desk.messages(alive[0].id)) == 4


def test_a_chain_joins_a_ticket_and_one_that_the_same_batch_opens(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Re: Printer", "And another.", message_id="c@x", reply_to="b@x"))
    first = desk.mail(BOB, "Printer", "It burns.", message_id="a@x")
    desk.receive(first, desk.mail(BOB, "Re: Printer", "One more.", message_id="b@x", reply_to="a@x"))
    assert len(desk.messages(1)) == 3 and desk.ticket(2).merged_into == 1
    assert len(desk.letters("acknowledgement")) == 1


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_parents_and_replies_in_one_batch_make_one_ticket(desk: SmallDesk, order: tuple[int, ...]) -> None:
    mails = [
        desk.mail(BOB, "Printer", "It burns.", message_id="a@x"),
        desk.mail(BOB, "Re: Printer", "One more.", message_id="b@x", reply_to="a@x"),
        desk.mail(BOB, "Re: Printer", "And another.", message_id="c@x", reply_to="b@x"),
    ]
    desk.receive(*(mails[position] for position in order))
    assert len(desk.tickets()) == 1 and len(desk.messages(1)) == 3


def test_a_stranger_who_names_a_message_gets_a_linked_ticket_and_reads_nothing(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Salary", "My salary is 1234.", message_id="p@x"))
    desk.receive(desk.mail(EVE, "Re: Salary [#1]", "Send it to me too.", reply_to="p@x"))
    assert len(desk.messages(1)) == 1 and desk.ticket(2).subject == "Re: Salary [#1]"
    assert "linked" in desk.kinds(1) and "linked" in desk.kinds(2)
    assert not any("1234" in mail.as_string() for mail in desk.sent(recipient=EVE))


def test_naming_a_message_before_it_comes_gives_no_hold_on_it(desk: SmallDesk) -> None:
    desk.receive(desk.mail(EVE, "Re: Salary", "I wait for this.", reply_to="p@x"))
    desk.receive(desk.mail(BOB, "Salary", "My salary is 1234.", message_id="p@x"))
    assert len(desk.tickets()) == 2
    desk.receive(desk.mail(BOB, "Re: Salary", "More.", reply_to="p@x"))
    assert len(desk.messages(2)) == 2


def test_a_colleague_in_copy_may_answer_before_the_parent_comes(desk: SmallDesk) -> None:
    desk.receive(desk.mail(CAROL, "Re: Offer", "I agree.", to=BOB, cc=SUPPORT, rcpt=[SUPPORT], reply_to="p@x"))
    desk.receive(desk.mail(BOB, "Offer", "Please change it.", to=SUPPORT, cc=CAROL, message_id="p@x"))
    assert len(desk.tickets()) == 1 and desk.messages(1)[1].signal == "named-by-a-reply"


def test_the_same_mail_to_two_of_our_addresses_is_one_ticket(any_desk: SmallDesk) -> None:
    both = f"{SUPPORT}, {BILLING}"
    one = any_desk.mail(BOB, "Invoice", "Wrong.", to=both, message_id="p@x", rcpt=[SUPPORT])
    two = any_desk.mail(BOB, "Invoice", "Wrong.", to=both, message_id="p@x", rcpt=[BILLING])
    any_desk.receive(one, two)
    assert len(any_desk.tickets()) == 1 and any_desk.states() == {"ticketed": 1, "duplicate-of": 1}


def test_the_same_mail_by_smtp_and_by_imap_is_one_ticket(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(BOB, "Invoice", "Wrong.", message_id="p@x"))
    trace = [("Received", "from a by b; Mon, 2 Nov 2026 09:00:00 +0000"), ("Delivered-To", SUPPORT)]
    any_desk.receive(any_desk.mail(BOB, "Invoice", "Wrong.", message_id="p@x", headers=trace, source="imap:x/INBOX"))
    assert any_desk.states() == {"ticketed": 1, "duplicate-of": 1}


def test_the_same_bytes_five_times_are_one_row(any_desk: SmallDesk) -> None:
    mail = any_desk.mail(BOB, "Invoice", "Wrong.")
    for _ in range(5):
        any_desk.receive(mail)
    assert any_desk.states() == {"ticketed": 1} and len(any_desk.messages(1)) == 1


def test_the_same_message_id_with_other_content_is_another_message(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(EVE, "First", "I was here before.", message_id="p@x"))
    any_desk.receive(any_desk.mail(BOB, "Invoice", "Wrong.", message_id="p@x"))
    assert any_desk.states() == {"ticketed": 2} and len(any_desk.messages(2)) == 1


def test_mail_for_a_merged_ticket_lands_on_the_survivor(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(BOB, "One", "First.", message_id="a@x"), any_desk.mail(BOB, "Two", "Second."))
    with any_desk.store.database.transaction() as session:
        merging.merge(session, MergeRequest(1, 2, DESK, any_desk.now))
    any_desk.receive(any_desk.mail(BOB, "Re: One", "Third.", reply_to="a@x"), any_desk.mail(BOB, "Re: [#1]", "Fourth."))
    assert len(any_desk.messages(2)) == 4 and any_desk.ticket(1).merged_into == 2


def test_whose_ticket_is_merged_away_still_gets_the_answer_and_the_history_says_so(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(BOB, "Mail is down", "Help."), any_desk.mail(CAROL, "Mail is down too", "Help."))
    with any_desk.store.database.transaction() as session:
        merging.merge(session, MergeRequest(2, 1, DESK, any_desk.now))
    any_desk.receive(any_desk.mail(ALICE, "Re", "It is back.", to=any_desk.notice_address(any_desk.alice, 1)))
    (answer,) = any_desk.sent("reply")
    assert answer["To"] == BOB and answer["Cc"] == CAROL
    assert any(CAROL in event.why for event in any_desk.events(1))


def test_a_split_message_takes_its_later_replies_along(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(BOB, "One", "First.", message_id="a@x"))
    any_desk.receive(any_desk.mail(BOB, "Re: One", "Quite another matter.", message_id="b@x", reply_to="a@x"))
    with any_desk.store.database.transaction() as session:
        new = conversation.split(session, any_desk.messages(1)[1].id, DESK, any_desk.now)
    any_desk.receive(any_desk.mail(BOB, "Re: One", "About that.", reply_to="b@x"))
    assert [m.reply for m in any_desk.messages(new.id)] == ["Quite another matter.", "About that."]
    assert "split" in any_desk.kinds(1)


def test_a_reply_long_after_closing_opens_a_linked_follow_up(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "One", "First.", message_id="a@x"))
    desk.receive(desk.mail(ALICE, "Re: One", "#close", to=desk.notice_address(desk.alice, 1)))
    desk.later(days=31)
    desk.receive(desk.mail(BOB, "Re: One", "Again.", reply_to="a@x"))
    assert desk.ticket(1).status == "closed" and desk.ticket(2).status == "new" and "linked" in desk.kinds(2)
