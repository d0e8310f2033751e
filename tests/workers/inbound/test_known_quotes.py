"""Answers in languages that no table knows: what the desk sent comes back as a quote, and the new words are left."""

from __future__ import annotations

from desk.tickets.ticket import MessageKind
from tests.small_desk import ALICE, BOB, SUPPORT, SmallDesk, words

ANSWER = "Hello Bob,\n\nPlease try again now, and tell me whether the second printer still burns.\n\nAlice"
NEW = "It works, thank you.\n\nBut the other one makes a noise now."


def conversation(desk: SmallDesk) -> str:
    """A ticket with an answer; what the requester's program quotes of it without a mark."""
    desk.receive(desk.mail(BOB, "Printer", "Both printers are on fire.\nCan somebody come before Friday?"))
    desk.receive(desk.mail(ALICE, "Re", ANSWER, to=desk.notice_address(desk.alice, 1)))
    (reply,) = desk.sent("reply", BOB)
    head = f"ვისგან: {reply['From']}\nთარიღი: ორშ, 2 ნოე 2026\nვის: Bob\nსათაური: {reply['Subject']}"
    plain = "\n".join(line.removeprefix(">").removeprefix(" ") for line in words(reply).splitlines())
    return f"{head}\n\n{plain}"


def test_what_we_sent_is_a_quote_in_any_language(any_desk: SmallDesk) -> None:
    quoted = conversation(any_desk)
    to = any_desk.letters("reply", BOB)[-1]["external_id"]
    any_desk.receive(any_desk.mail(BOB, "Re: Printer", f"{NEW}\n\n{quoted}\n", reply_to=str(to)))
    said = any_desk.messages(1)[-1]
    assert said.kind is MessageKind.REPLY and said.reply == NEW
    assert {part.reason for part in said.cut} == {"quote"} and "second printer" in said.cut[0].text
    assert quoted.split("\n")[0] in said.cut[0].text and said.text.startswith(NEW)


def test_our_acknowledgement_is_known_too(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Printer", "Both printers are on fire."))
    (ack,) = desk.sent("acknowledgement", BOB)
    text = f"One more thing: the third one too.\nIt is the green one.\n\nვისგან: <{SUPPORT}>\n\n{words(ack)}"
    desk.receive(desk.mail(BOB, "Re: Printer", text, reply_to=str(ack["Message-ID"]).strip("<>")))
    assert desk.messages(1)[-1].reply == "One more thing: the third one too.\nIt is the green one."


def test_a_mail_that_only_repeats_is_kept_whole(desk: SmallDesk) -> None:
    quoted = conversation(desk)
    desk.receive(desk.mail(BOB, "Re: Printer [#1]", quoted))
    said = desk.messages(1)[-1].reply
    assert said.startswith(quoted.split("\n")[0]) and "second printer" in said


def test_what_is_passed_on_is_kept_whole(desk: SmallDesk) -> None:
    conversation(desk)
    text = (
        f"---------- Forwarded message ---------\nFrom: Carl <carl@x.test>\nDate: Mon\nSubject: x\nTo: Bob\n\n{ANSWER}"
    )
    desk.receive(desk.mail(BOB, "Fwd: Printer [#1]", text))
    assert desk.messages(1)[-1].reply == text


def test_only_the_last_messages_are_looked_at_and_never_the_notes(desk: SmallDesk) -> None:
    conversation(desk)
    secret = "The requester must not know that the printers are of the bad series of May."
    desk.receive(desk.mail(ALICE, "Re", f"#note\n{secret}", to=desk.notice_address(desk.alice, 1)))
    desk.receive(desk.mail(BOB, "Re: Printer [#1]", f"I guess that\n\n{secret}"))
    assert desk.messages(1)[-1].reply == f"I guess that\n\n{secret}"


def test_an_agents_answer_never_carries_the_notice_to_the_requester(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Printer", "Both printers are on fire.\nCan somebody come before Friday?"))
    (notice,) = desk.sent("notice", ALICE)
    head = f"ვისგან: {notice['From']}\nთარიღი: ორშ, 2 ნოე 2026\nვის: Alice <{ALICE}>\nსათაური: {notice['Subject']}"
    text = f"#tag fire\n\nPlease switch them off.\nI come at once.\n\n{head}\n\n{words(notice)}"
    desk.receive(desk.mail(ALICE, "Re", text, to=desk.notice_address(desk.alice, 1)))
    (reply,) = desk.sent("reply", BOB)
    assert words(reply).startswith("Please switch them off.\nI come at once.\n\nOn ")
    assert ALICE not in words(reply) and "#note" not in words(reply) and desk.ticket(1).tags == ("fire",)
    assert "New ticket" in "".join(part.text for part in desk.messages(1)[-1].cut)
