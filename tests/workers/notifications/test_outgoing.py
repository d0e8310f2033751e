"""Letters in the requester's thread: the same subject, the mail that is answered, and every id of the thread."""

from __future__ import annotations

from dataclasses import replace
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest

from storage.open_store import Store
from storage.people import people
from tests.small_desk import ALICE, BOB, SUPPORT, SmallDesk, words


def answer(desk: SmallDesk, text: str) -> EmailMessage:
    """An agent's answer; the mail that the requester gets."""
    desk.receive(desk.mail(ALICE, "Re", text, to=desk.notice_address(desk.alice, 1)))
    desk.later(minutes=1)
    return desk.sent("reply", BOB)[-1]


def ids(mail: EmailMessage) -> list[str]:
    return str(mail["References"]).replace("<", "").replace(">", "").split()


def test_all_of_our_mails_have_the_requesters_subject(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "[Ticket#2026] AW: Printer  burns", "It burns.", message_id="a@x"))
    (ack,) = desk.sent("acknowledgement", BOB)
    assert ack["Subject"] == "Re: [Ticket#2026] AW: Printer burns" == answer(desk, "Try again.")["Subject"]


@pytest.mark.parametrize("prefix", ["Re: ", "RE: Re: ", "AW: ", "SV: Re[2]: ", "回复：", "Odp: "])
def test_prefixes_do_not_pile_up(desk: SmallDesk, prefix: str) -> None:
    desk.receive(desk.mail(BOB, f"{prefix}Printer", "It burns.", message_id="a@x"))
    assert answer(desk, "Try again.")["Subject"] == "Re: Printer"


def test_each_reply_answers_the_last_mail_and_names_the_whole_thread(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Printer", "It burns.", message_id="a@x", headers=[("References", "<other@x>")]))
    ack = str(desk.sent("acknowledgement", BOB)[0]["Message-ID"]).strip("<>")
    desk.later(minutes=1)
    first = answer(desk, "Try again.")
    assert first["In-Reply-To"] == "<a@x>" and ids(first) == ["other@x", "a@x"]
    # A program that sends no References, only what it answers.
    one = str(first["Message-ID"]).strip("<>")
    desk.receive(desk.mail(BOB, "Re: Printer", "Still.", message_id="b@x", headers=[("In-Reply-To", f"<{one}>")]))
    desk.later(minutes=1)
    second = answer(desk, "Now?")
    assert second["In-Reply-To"] == "<b@x>" and ids(second) == ["a@x", ack, one, "b@x"]
    # And one that writes anew, to the signed address.
    desk.receive(
        desk.mail(BOB, "Once more", "Still not.", to=str(second["Reply-To"].addresses[0].addr_spec), message_id="c@x")
    )
    two = str(second["Message-ID"]).strip("<>")
    third = answer(desk, "And now?")
    assert third["In-Reply-To"] == "<c@x>" and ids(third) == ["a@x", ack, one, "b@x", two, "c@x"]
    assert third["Subject"] == "Re: Once more"


def test_a_requester_of_the_form_gets_one_thread_with_the_number(desk: SmallDesk) -> None:
    from desk.channels import Channel
    from gateway.intake import Incoming

    made = desk.mail(BOB, "Printer", "It burns.")
    web = replace(made.request, channel=Channel.WEB, source="form", external_id="", thread=type(made.request.thread)())
    desk.receive(Incoming(web, made.files, made.raw))
    (ack,) = desk.sent("acknowledgement", BOB)
    reply = answer(desk, "Try again.")
    assert ack["Subject"] == reply["Subject"] == "Re: Printer [#1]" and ack["In-Reply-To"] is None
    assert ids(reply) == [str(reply["In-Reply-To"]).strip("<>")] == [str(ack["Message-ID"]).strip("<>")]


def test_mail_is_dated_in_the_desks_own_time(store: Store) -> None:
    desk = SmallDesk(replace(store, settings=replace(store.settings, time_zone="Asia/Tokyo")))
    desk.receive(desk.mail(BOB, "Printer", "It burns."))
    ack, reply = desk.sent("acknowledgement", BOB)[0], answer(desk, "Try again.")
    assert [str(mail["Date"])[-14:] for mail in (ack, reply)] == ["18:00:00 +0900"] * 2
    assert ack["Date"].datetime.astimezone(ZoneInfo("UTC")).hour == 9 and "2026-11-02 18:00 JST" in words(reply)


def test_each_mailbox_signs_what_it_sends(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        people.add_mailbox(session, SUPPORT, "Support", 1, signature="{agent}, {desk}\nOpen 9 to 5")
        people.add_mailbox(session, SUPPORT, "Support", 1)
    desk.receive(desk.mail(BOB, "Printer", "It burns."))
    reply = words(answer(desk, "Try again."))
    assert reply.startswith("Try again.\n\n-- \nAlice Agent, Frontdesk\nOpen 9 to 5\n\nOn ")
    assert words(desk.sent("acknowledgement", BOB)[0]).endswith("\n\n-- \nFrontdesk, Frontdesk\nOpen 9 to 5\n")
    assert not any("Open 9 to 5" in words(mail) for mail in desk.sent("notice"))
