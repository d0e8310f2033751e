"""The way of one request, from the requester's mail to the solved ticket, on both databases."""

from __future__ import annotations

from tests.small_desk import ALICE, BOB, SUPPORT, SmallDesk, words


def test_a_mail_becomes_a_ticket_with_a_category_and_an_acknowledgement_in_its_thread(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(BOB, "Cannot login", "I cannot login to my account.", message_id="first@x"))
    (ticket,) = any_desk.tickets()
    assert (ticket.subject, ticket.status, ticket.category) == ("Cannot login", "new", "Access / Authentication")
    (ack,) = any_desk.sent("acknowledgement")
    assert (
        ack["To"] == BOB
        and ack["In-Reply-To"] == "<first@x>"
        and ack["Subject"] == f"Re: {ticket.subject}"
        and f"#{ticket.id}" in words(ack)
    )
    assert ack["Auto-Submitted"] == "auto-replied" and ack["X-Auto-Response-Suppress"] == "All"
    assert any_desk.states() == {"ticketed": 1}


def test_an_agent_answers_from_the_mailbox_and_the_requester_gets_it_in_the_same_thread(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(BOB, "Cannot login", "Please help.", message_id="first@x"))
    any_desk.receive(
        any_desk.mail(ALICE, "Re: Cannot login", "Try again now.", to=any_desk.notice_address(any_desk.alice, 1))
    )
    (reply,) = any_desk.sent("reply")
    assert reply["To"] == BOB and reply["In-Reply-To"] == "<first@x>"
    assert ALICE not in reply.as_string() and "Try again now." in words(reply)
    assert any_desk.ticket(1).status == "pending" and any_desk.ticket(1).assignee_id == any_desk.alice.id


def test_the_requesters_second_mail_is_appended_and_reopens(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(BOB, "Cannot login", "Please help."))
    any_desk.receive(
        any_desk.mail(ALICE, "Re: Cannot login", "Try again now.", to=any_desk.notice_address(any_desk.alice, 1))
    )
    (reply,) = any_desk.sent("reply")
    any_desk.receive(
        any_desk.mail(BOB, "Re: Cannot login", "Still not.", reply_to=str(reply["Message-ID"]).strip("<>"))
    )
    assert [m.reply for m in any_desk.messages(1)] == ["Please help.", "Try again now.", "Still not."]
    assert any_desk.messages(1)[2].signal == "signed-message-id" and any_desk.ticket(1).status == "open"


def test_resolve_by_mail_resolves_and_is_answered_by_what_was_done(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(BOB, "Cannot login", "Please help."))
    address = any_desk.notice_address(any_desk.alice, 1)
    any_desk.receive(
        any_desk.mail(ALICE, "Re: Cannot login", "#resolve\n#tag login urgent\n\nIt works now.", to=address)
    )
    assert any_desk.ticket(1).status == "resolved" and any_desk.ticket(1).tags == ("login", "urgent")
    (answer,) = any_desk.sent("command-answer", ALICE)
    assert "status is now resolved" in words(answer) and "sent your reply" in words(answer)
    assert any_desk.states() == {"ticketed": 1, "command": 1}


def test_working_twice_does_nothing_twice(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(BOB, "Cannot login", "Please help."))
    before = [row["id"] for row in any_desk.letters()]
    any_desk.work()
    any_desk.work()
    assert [row["id"] for row in any_desk.letters()] == before and len(any_desk.messages(1)) == 1


def test_a_requester_without_a_name_and_subject_still_gets_a_ticket(desk: SmallDesk) -> None:
    desk.receive(desk.raw_mail(b"\r\nhelp\r\n", "", [SUPPORT]))
    (ticket,) = desk.tickets()
    assert ticket.subject == "help" and desk.sent("notice") != []
    assert desk.sent("acknowledgement") == []
