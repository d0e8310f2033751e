"""Who is answered where a form, a list or a device sent the mail; what machines get; what Reply-To may not do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desk.tickets.ticket import MessageKind, Status
from storage.open_store import Store
from storage.tickets import tickets
from tests.small_desk import ALICE, BOB, EVE, SUPPORT, SmallDesk

SHOP = "Muster Shop <wordpress@shop.example.test>"
ERIKA = "erika@people.example.test"
HELP = "help@lists.example.test"
LISTED = [("List-Id", "Help <help.lists.example.test>"), ("List-Post", f"<mailto:{HELP}>"), ("Precedence", "list")]


def answered(desk: SmallDesk, number: int) -> str:
    """Alice answers by mail; returns the Message-ID of what left."""
    notice = desk.notice_address(desk.alice, number)
    desk.receive(desk.mail(ALICE, "Re: it", "We look at it.", to=notice, rcpt=[notice]))
    return str(desk.sent("reply")[-1]["Message-ID"]).strip("<>")


def participants(desk: SmallDesk, number: int) -> dict[str, str]:
    with desk.store.database.reading() as session:
        return tickets.participants_of(session, [number])[number]


def answer_to(address: str) -> tuple[str, str]:
    return ("Reply-To", f"Erika Beispiel <{address}>")


def recipients(desk: SmallDesk, kind: str) -> list[str]:
    return [letter["recipient"] for letter in desk.letters(kind)]


def requester(desk: SmallDesk, number: int) -> str:
    first = desk.messages(number)[0]
    assert desk.ticket(number).requester_id == first.author.id
    return first.author_address


def test_the_requester_of_a_forms_mail_is_who_filled_it_in(desk: SmallDesk) -> None:
    desk.receive(desk.mail(SHOP, "Contact", "Where is my parcel?", headers=[answer_to(ERIKA)]))
    assert requester(desk, 1) == ERIKA and recipients(desk, "acknowledgement") == [ERIKA]
    first = desk.messages(1)[0]
    assert first.author.name == "Erika Beispiel"
    assert first.trust.through == f"through the form of {SHOP}" and first.trust.way == "form"
    assert "wordpress@shop.example.test" not in participants(desk, 1)


@pytest.mark.parametrize(
    "sender",
    [
        SUPPORT,
        "Forms <noreply@forms.example.test>",
        "www-data@web1.example.test",
        "Survey <notifications@survey.example.test>",
        "notify@plugins.example.test",
        "Benachrichtigung <benachrichtigung2@web.example.test>",
    ],
)
def test_a_form_may_send_as_the_desk_itself_or_as_nobody(desk: SmallDesk, sender: str) -> None:
    desk.receive(desk.mail(sender, "Contact", "Where is my parcel?", headers=[answer_to(ERIKA)]))
    assert requester(desk, 1) == ERIKA and recipients(desk, "acknowledgement") == [ERIKA]


@pytest.mark.parametrize("other", [SUPPORT, "no-reply@shop.example.test", "support+x@desk.example.test"])
def test_a_reply_to_that_is_the_desk_or_nobody_changes_nothing(desk: SmallDesk, other: str) -> None:
    desk.receive(desk.mail(SHOP, "Contact", "Where is my parcel?", headers=[answer_to(other)]))
    assert requester(desk, 1) == "wordpress@shop.example.test"


def test_a_persons_own_reply_to_does_not_make_somebody_else_the_requester(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Printer", "It blinks.", headers=[answer_to(EVE)]))
    assert requester(desk, 1) == BOB and recipients(desk, "acknowledgement") == [BOB]


def test_a_list_that_took_over_the_from_is_not_answered_its_author_is_the_requester(desk: SmallDesk) -> None:
    mail = desk.mail(
        f"Karl Leser via Help <{HELP}>", "Key", "Lost.", to=HELP, rcpt=[SUPPORT], headers=[*LISTED, answer_to(ERIKA)]
    )
    desk.receive(mail)
    assert requester(desk, 1) == ERIKA and desk.messages(1)[0].trust.through.startswith("via the list")
    assert recipients(desk, "acknowledgement") == [] and HELP not in participants(desk, 1)
    answered(desk, 1)
    (reply,) = desk.sent("reply")
    assert ERIKA in str(reply["To"]) and reply["Cc"] is None


def test_the_list_of_an_own_mailbox_is_acknowledged_and_any_list_that_is_set(store: Store) -> None:
    own = [("List-Id", "<support.desk.example.test>"), ("Precedence", "list")]
    desk = SmallDesk(replace(store, settings=replace(store.settings, own_lists=("ring.lists.example.test",))))
    desk.receive(desk.mail(BOB, "Key", "Lost.", headers=own))
    desk.receive(desk.mail(BOB, "Lamp", "Dark.", headers=[("List-Id", "<ring.lists.example.test>")]))
    desk.receive(desk.mail(BOB, "Door", "Open.", headers=[("List-Id", "<other.lists.example.test>")]))
    assert [letter["ticket_id"] for letter in desk.letters("acknowledgement")] == [1, 2]
    assert desk.messages(3)[0].trust.no_answer and desk.messages(3)[0].kind is MessageKind.REPLY


@pytest.mark.parametrize(
    "header",
    [
        LISTED[0],
        LISTED[2],
        ("X-Auto-Response-Suppress", "All"),
        ("X-Loop", "relay@x.example.test"),
        ("Precedence", "bulk"),
    ],
)
def test_a_persons_answer_with_a_header_of_lists_reopens_and_is_told(desk: SmallDesk, header: tuple[str, str]) -> None:
    desk.receive(desk.mail(BOB, "Printer", "It blinks."))
    sent = answered(desk, 1)
    notices = len(desk.letters("notice"))
    desk.receive(desk.mail(BOB, "Re: Printer", "It still blinks.", reply_to=sent, headers=[header]))
    assert desk.ticket(1).status is Status.OPEN and len(desk.letters("notice")) == notices + 1


@pytest.mark.parametrize(
    "header", [("Auto-Submitted", "auto-replied"), ("Auto-Submitted", "auto-generated"), ("X-Autoreply", "yes")]
)
def test_a_machines_answer_reopens_nothing(desk: SmallDesk, header: tuple[str, str]) -> None:
    desk.receive(desk.mail(BOB, "Printer", "It blinks."))
    sent = answered(desk, 1)
    desk.receive(desk.mail(BOB, "Away", "I am away.", reply_to=sent, headers=[header]))
    assert desk.ticket(1).status is Status.PENDING and desk.states()["automatic"] == 1


def test_an_absence_outside_a_thread_is_marked_and_closed_and_told_to_nobody(desk: SmallDesk) -> None:
    desk.receive(
        desk.mail(BOB, "Out of office: Newsletter", "Back on Monday.", headers=[("Auto-Submitted", "auto-replied")])
    )
    ticket = desk.ticket(1)
    assert ticket.status is Status.CLOSED and ticket.tags
    assert desk.letters("notice") == [] and desk.letters("acknowledgement") == []
    assert desk.kinds(1) == ["opened", "tagged", "status_changed"]


def test_a_desk_that_wants_them_open_gets_them_open_and_marked(store: Store) -> None:
    desk = SmallDesk(replace(store, settings=replace(store.settings, close_automatic=False)))
    news = [("List-Unsubscribe", "<https://x.example/u>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")]
    desk.receive(desk.mail("news@garden.example.test", "Tulips", "Ten of them.", headers=news))
    assert desk.ticket(1).status is Status.NEW and desk.ticket(1).tags == ("newsletter",)


def test_an_alarm_opens_a_ticket_that_is_told(desk: SmallDesk) -> None:
    desk.receive(desk.mail("nagios@mon.example.test", "PROBLEM", "Disk full."))
    assert desk.ticket(1).status is Status.NEW and len(desk.letters("notice")) == 1
    assert desk.letters("acknowledgement") == []


def test_a_reply_to_never_appends_by_what_a_stranger_can_know(desk: SmallDesk) -> None:
    desk.receive(desk.mail(ERIKA, "Printer", "It blinks.", message_id="known@people.example.test"))
    forged = [answer_to(ERIKA)]
    desk.receive(desk.mail(SHOP, "Re: [#1] Printer", "Send it to me.", headers=forged))
    desk.receive(desk.mail(SHOP, "Re: Printer", "To me.", reply_to="known@people.example.test", headers=forged))
    assert len(desk.messages(1)) == 1 and len(desk.tickets()) == 3


def test_what_only_the_person_was_sent_leads_to_their_ticket(desk: SmallDesk) -> None:
    desk.receive(desk.mail(ERIKA, "Printer", "It blinks."))
    sent = answered(desk, 1)
    desk.receive(
        desk.mail(
            f"Erika via Help <{HELP}>", "Re: Printer", "Still.", reply_to=sent, headers=[*LISTED, answer_to(ERIKA)]
        )
    )
    assert len(desk.messages(1)) == 3 and desk.ticket(1).status is Status.OPEN


def test_a_reply_to_that_names_an_agent_makes_nobody_an_agent(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Printer", "It blinks."))
    notice = desk.notice_address(desk.alice, 1)
    desk.receive(desk.mail(SHOP, "Re: Printer", "#resolve", to=notice, headers=[("Reply-To", ALICE)]))
    assert desk.ticket(1).status is Status.NEW and len(desk.letters("reply")) == 0


def test_the_victim_of_many_forms_counts_and_not_the_forms(desk: SmallDesk) -> None:
    for number in range(8):
        form = f"form{number}@site{number}.example.test"
        desk.receive(desk.mail(form, f"Contact {number}", f"Words {number}", headers=[answer_to(ERIKA)]))
    assert len([one for one in desk.letters("acknowledgement") if one["state"] != "suppressed"]) == 5
