"""Strangers in a thread: no hold on another's ticket, nobody new in copy, nothing private shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desk.tickets.ticket import DESK
from storage.open_store import Store
from storage.people import people
from storage.tickets import tickets
from tests.small_desk import ALICE, BILLING, BOB, CAROL, EVE, SUPPORT, SmallDesk, words
from usecases.tickets import conversation, merging, requester_view, undo
from usecases.tickets.merging import MergeRequest

OURS = "mx.desk.example.test"
SAM = "sam@home.example.test"


@pytest.fixture
def strict(store: Store) -> SmallDesk:
    """A desk whose receiving mail server vouches for senders."""
    settings = replace(store.settings, authserv_id=OURS, relay_url="smtp://127.0.0.1:1")
    return SmallDesk(replace(store, settings=settings), delivers=False)


def result(word: str, sender: str) -> list[tuple[str, str]]:
    return [("Authentication-Results", f"{OURS}; dmarc={word} header.from={sender.partition('@')[2]}")]


def copies(desk: SmallDesk, number: int, text: str = "An answer.") -> str:
    """Who is in copy of an agent's answer."""
    desk.receive(desk.mail(ALICE, "Re", text, to=desk.notice_address(desk.alice, number)))
    return str(desk.sent("reply")[-1]["Cc"] or "")


def seen_by(desk: SmallDesk, address: str, number: int) -> list[str]:
    """What somebody's status page shows of a ticket."""
    with desk.store.database.reading() as session:
        person = people.by_address(session, address)
        assert person is not None
        looker = requester_view.requester(session, person.id)
        sight = requester_view.view_ticket(session, looker, number) if looker else None
        return [said.text for said in requester_view.conversation(session, sight)] if sight else []


def test_the_author_of_a_mail_that_was_passed_on_gets_no_hold_on_that_ticket(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Fwd: Ask support", "Is this real?", reply_to="seed@evil"))
    desk.receive(
        desk.mail(EVE, "Ask support", "Please do.", to=f"{BOB}, {SUPPORT}", rcpt=[SUPPORT], message_id="seed@evil")
    )
    assert len(desk.messages(1)) == 1 and tickets_linked(desk, 2) == [(1, "named-by")]
    assert EVE not in copies(desk, 1)


def test_whose_mail_is_named_by_somebody_else_is_acknowledged_all_the_same(strict: SmallDesk) -> None:
    strict.receive(strict.mail(EVE, "Re: Salary", "I wait for this.", reply_to="p@x"))
    strict.receive(strict.mail(BOB, "Salary", "A question.", message_id="p@x"))
    assert [row["recipient"] for row in strict.letters("acknowledgement")] == [EVE, BOB]


def test_a_private_forward_of_a_mail_in_copy_is_not_shown_to_its_author(desk: SmallDesk) -> None:
    desk.receive(desk.mail(EVE, "Invoice", "Pay.", to=BOB, cc=SUPPORT, rcpt=[SUPPORT], message_id="seed@evil"))
    desk.receive(desk.mail(BOB, "Fwd: Invoice", "I typed my password.", reply_to="seed@evil"))
    assert seen_by(desk, EVE, 1) == ["Pay."] and seen_by(desk, BOB, 2) == ["I typed my password."]
    desk.receive(desk.mail(ALICE, "Re", "Change it.", to=desk.notice_address(desk.alice, 2)))
    assert not any("password" in mail.as_string() for mail in desk.sent(recipient=EVE))


@pytest.mark.parametrize("how", ["In-Reply-To", "References", "subject"])
@pytest.mark.parametrize("to", [SUPPORT, BILLING, f"{EVE}, other@evil.example.test"], ids=["desk", "other", "bcc"])
def test_whatever_names_the_ticket_a_word_to_the_desk_alone_stays_there(desk: SmallDesk, how: str, to: str) -> None:
    desk.receive(desk.mail(EVE, "Invoice", "Pay.", to=BOB, cc=SUPPORT, rcpt=[SUPPORT], message_id="seed@evil"))
    subject = "Fwd: Invoice [#1]" if how == "subject" else "Fwd: Invoice"
    headers = [] if how == "subject" else [(how, "<seed@evil>")]
    desk.receive(desk.mail(BOB, subject, "My secret.", to=to, rcpt=[SUPPORT], headers=headers))
    assert "My secret." not in seen_by(desk, EVE, 1) and len(desk.tickets()) == 2


def test_a_mail_that_was_sent_on_by_resending_gives_no_hold_either(desk: SmallDesk) -> None:
    desk.receive(desk.mail(EVE, "Invoice", "Pay.", to=BOB, cc=SUPPORT, rcpt=[SUPPORT], message_id="seed@evil"))
    resent = [("Resent-From", EVE), ("Resent-To", f"{EVE}, {SUPPORT}")]
    desk.receive(desk.mail(BOB, "Re: Invoice", "My secret.", headers=resent, reply_to="seed@evil"))
    assert "My secret." not in seen_by(desk, EVE, 1)


def test_who_was_in_copy_may_answer_to_all(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Offer", "What about it?", cc=CAROL, message_id="p@x"))
    desk.receive(desk.mail(CAROL, "Re: Offer", "I agree.", to=BOB, cc=SUPPORT, rcpt=[SUPPORT], reply_to="p@x"))
    assert [message.author_address for message in desk.messages(1)] == [BOB, CAROL] and len(desk.tickets()) == 1


def test_who_was_answered_in_copy_may_answer_the_desk(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Offer", "What about it?", cc=CAROL))
    assert CAROL in copies(desk, 1)
    reply = desk.sent("reply")[-1]
    desk.receive(desk.mail(CAROL, "Re: Offer", "I agree.", to=str(reply["Reply-To"])))
    assert [message.author_address for message in desk.messages(1)][-1] == CAROL


def test_who_comes_later_is_suggested_and_not_put_in_copy(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Offer", "What about it?", message_id="p@x"))
    desk.receive(desk.mail(BOB, "Re: Offer", "My boss should know.", cc=CAROL, reply_to="p@x"))
    (event,) = [event for event in desk.events(1) if event.kind == "copy_suggested"]
    assert event.after == CAROL and CAROL not in copies(desk, 1)
    notice = words(desk.sent("notice", ALICE)[-1])
    assert CAROL in notice and f"#copy {CAROL}" in notice


def test_an_agent_takes_a_newcomer_in_by_one_line(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Offer", "What about it?", message_id="p@x"))
    desk.receive(desk.mail(BOB, "Re: Offer", "My boss should know.", cc=CAROL, reply_to="p@x"))
    desk.receive(desk.mail(ALICE, "Re", f"#copy {CAROL}", to=desk.notice_address(desk.alice, 1)))
    assert "copy_added" in desk.kinds(1) and CAROL in copies(desk, 1)
    desk.receive(desk.mail(CAROL, "Re: Offer", "For the desk alone.", reply_to="p@x"))
    assert desk.messages(1)[-1].reply == "For the desk alone."


def test_a_forged_mail_suggests_nobody_and_an_unproven_one_gives_no_hold(strict: SmallDesk) -> None:
    strict.receive(strict.mail(BOB, "Offer", "Hello.", message_id="p@x", headers=result("pass", BOB)))
    (letter,) = strict.letters("acknowledgement")
    content = letter["content"]
    assert isinstance(content, dict)
    forged = {"to": str(content["reply_to"]), "cc": EVE, "headers": result("fail", BOB)}
    strict.receive(strict.mail(BOB, "Re: Offer", "And Eve.", **forged))
    assert "copy_suggested" not in strict.kinds(1) and len(strict.messages(1)) == 2
    strict.receive(strict.mail(BOB, "Re: Offer", "And Eve.", cc=EVE, reply_to="p@x"))
    strict.receive(strict.mail(EVE, "Re: Offer", "Hi!", to=BOB, cc=SUPPORT, rcpt=[SUPPORT], reply_to="p@x"))
    assert not any(message.author_address == EVE for message in strict.messages(1))


def test_a_late_message_makes_no_one_ticket_of_two_peoples(desk: SmallDesk) -> None:
    everybody = {"to": f"{BOB}, {CAROL}", "cc": SUPPORT, "rcpt": [SUPPORT]}
    desk.receive(desk.mail(CAROL, "Re: Offer", "Third.", message_id="c@x", reply_to="b@x", **everybody))
    desk.receive(desk.mail(BOB, "Offer", "First.", message_id="a@x", **everybody))
    desk.receive(desk.mail(BOB, "Re: Offer", "Second.", message_id="b@x", reply_to="a@x", **everybody))
    assert all(ticket.merged_into is None for ticket in desk.tickets())


def test_whom_a_merge_brings_without_being_its_requester_stays_out_of_copy(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "One", "First.", message_id="a@x"), desk.mail(CAROL, "Two", "Second."))
    desk.receive(desk.mail(BOB, "Re: One", "Sam as well.", cc=SAM, reply_to="a@x"))
    with desk.store.database.transaction() as session:
        merging.merge(session, MergeRequest(1, 2, DESK, desk.now))
    assert BOB in copies(desk, 2) and SAM not in copies(desk, 2)


def test_a_merge_of_their_own_ticket_puts_in_copy_who_was_only_asked_before_and_an_undo_takes_that_back(
    any_desk: SmallDesk,
) -> None:
    any_desk.receive(any_desk.mail(BOB, "Offer", "What about it?", message_id="p@x"))
    any_desk.receive(any_desk.mail(BOB, "Re: Offer", "And Carol.", cc=CAROL, reply_to="p@x"))
    any_desk.receive(any_desk.mail(CAROL, "Re: Offer", "For the desk alone.", reply_to="p@x"))
    with any_desk.store.database.transaction() as session:
        merging.merge(session, MergeRequest(2, 1, DESK, any_desk.now))
        assert tickets.participants_of(session, [1])[1][CAROL] == "added"
        undo.undo(session, 2, None, DESK, any_desk.now)
        assert tickets.participants_of(session, [1])[1][CAROL] == "asked"


def test_a_split_ticket_takes_nobody_along(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "One", "First.", cc=CAROL, message_id="a@x"))
    desk.receive(desk.mail(BOB, "Re: One", "Between us.", reply_to="a@x"))
    with desk.store.database.transaction() as session:
        new = conversation.split(session, desk.messages(1)[1].id, DESK, desk.now)
        assert tickets.participants_of(session, [new.id])[new.id] == {BOB: "requester"}
    desk.receive(
        desk.mail(CAROL, "Re", "Mine.", to=BOB, cc=SUPPORT, rcpt=[SUPPORT], headers=[("In-Reply-To", "<a@x>")])
    )
    assert desk.messages(1)[-1].reply == "Mine."


def test_a_private_word_long_after_closing_opens_a_ticket_of_its_author(desk: SmallDesk) -> None:
    desk.receive(desk.mail(EVE, "Invoice", "Pay.", to=BOB, cc=SUPPORT, rcpt=[SUPPORT], message_id="seed@evil"))
    desk.receive(desk.mail(ALICE, "Re", "#close", to=desk.notice_address(desk.alice, 1)))
    desk.later(days=31)
    desk.receive(desk.mail(BOB, "Fwd: Invoice", "My secret.", reply_to="seed@evil"))
    assert desk.ticket(1).status == "closed" and seen_by(desk, EVE, 2) == []


def tickets_linked(desk: SmallDesk, number: int) -> list[tuple[int, str]]:
    with desk.store.database.reading() as session:
        return tickets.links_of(session, number)
