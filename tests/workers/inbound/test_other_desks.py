"""Other desks' ticket numbers: two desks find one ticket for each other's mail, and nobody gets hold of another's."""

from __future__ import annotations

import pytest

from desk.tickets.ticket import DESK
from tests.small_desk import BOB, SUPPORT, SmallDesk
from tests.storage.rows import references_of_ticket
from tests.workers.other_desk import HELPDESK, MACHINE, OtherDesk
from usecases.tickets import conversation, merging
from usecases.tickets.merging import MergeRequest

JANE, LATER = "jane@partner.example", "[INC0012345] Printer"
AUTO = [("Auto-Submitted", "auto-replied")]


@pytest.mark.parametrize("answers", ["reply-to", "from"])
@pytest.mark.parametrize("headers", [(), AUTO])
@pytest.mark.parametrize("address", [HELPDESK, MACHINE])
@pytest.mark.parametrize("first", ["Printer", "INC0012000 Printer"])
@pytest.mark.parametrize("opened", ["[{number}] {subject}", "Ticket {number} received: {subject}"])
def test_two_desks_that_acknowledge_everything_fall_silent_after_two_mails_of_ours(
    desk: SmallDesk, answers: str, headers: list[tuple[str, str]], address: str, first: str, opened: str
) -> None:
    other = OtherDesk(desk, address, answers, headers, opened)
    desk.receive(desk.mail(HELPDESK, first, "It burns."))
    assert 1 <= other.talks_until_silence() <= 2
    assert len(desk.tickets()) <= 2 and sum(desk.states().values()) <= 3


def test_two_desks_fall_silent_on_both_databases(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(HELPDESK, "Printer", "It burns."))
    assert OtherDesk(any_desk, MACHINE, "from").talks_until_silence() == 2
    assert [(m.signal, m.signal_detail) for m in any_desk.messages(2)] == [
        ("new", ""),
        ("foreign-number", "INC0012345"),
    ]


def test_our_answer_keeps_the_other_desks_number_in_its_subject(desk: SmallDesk) -> None:
    desk.receive(desk.mail(HELPDESK, LATER, "It burns.", message_id="first@partner.example"))
    (acknowledgement,) = desk.sent("acknowledgement")
    assert acknowledgement["Subject"] == f"Re: {LATER}"
    assert acknowledgement["References"] == "<first@partner.example>"


def test_a_later_mail_with_the_number_lands_on_the_ticket_though_it_names_no_message(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(HELPDESK, LATER, "It burns."))
    any_desk.receive(any_desk.mail(HELPDESK, "RE: inc0012345 - any news?", "Any news?"))
    any_desk.receive(any_desk.mail(JANE, "INC0012345 closed", "It does no longer burn."))
    assert [(m.signal, m.author_address) for m in any_desk.messages(1)] == [
        ("new", HELPDESK), ("foreign-number", HELPDESK), ("foreign-number", JANE),
    ]  # fmt: skip
    assert len(any_desk.tickets()) == 1 and len(any_desk.letters("acknowledgement")) == 1


def test_mails_with_one_new_number_that_come_together_are_one_ticket(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(HELPDESK, LATER, "One."), any_desk.mail(JANE, "INC0012345 again", "Two."))
    assert len(any_desk.tickets()) == 1 and len(any_desk.messages(1)) == 2


def test_the_number_of_an_automatic_answer_is_remembered(desk: SmallDesk) -> None:
    desk.receive(desk.mail(JANE, "Printer", "It burns.", message_id="p@x"))
    desk.receive(desk.mail(JANE, "Ticket INC0012345 received", "Thanks.", reply_to="p@x", headers=AUTO))
    desk.receive(desk.mail(HELPDESK, "INC0012345: question", "Which printer?"))
    assert [m.signal for m in desk.messages(1)] == ["new", "references", "foreign-number"]


def test_automatic_mail_with_the_number_is_kept_and_does_not_reopen(desk: SmallDesk) -> None:
    desk.receive(desk.mail(HELPDESK, LATER, "It burns."))
    desk.receive(desk.mail("alice@corp.example.test", "Re", "#resolve", to=desk.notice_address(desk.alice, 1)))
    desk.receive(desk.mail(MACHINE, "INC0012345 has been closed", "Closed.", headers=AUTO))
    assert desk.ticket(1).status == "resolved" and "automatic_kept" in desk.kinds(1) and len(desk.tickets()) == 1


def test_naming_the_number_gives_a_stranger_no_hold_on_the_ticket(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(HELPDESK, LATER, "It burns."))
    any_desk.receive(any_desk.mail("eve@evil.example", LATER, "Tell me all."))
    any_desk.receive(any_desk.mail(HELPDESK, "INC0012345 again", "Still."))
    assert [m.author_address for m in any_desk.messages(1)] == [HELPDESK, HELPDESK]
    assert [m.author_address for m in any_desk.messages(2)] == ["eve@evil.example"]


@pytest.mark.parametrize("domain", ["gmail.com", "service-now.com", "desk.example.test"])
def test_a_domain_of_many_strangers_or_our_own_is_no_desk(desk: SmallDesk, domain: str) -> None:
    desk.receive(desk.mail(f"ann@{domain}", LATER, "It burns."))
    desk.receive(desk.mail(f"ben@{domain}", LATER, "Mine too."))
    desk.receive(desk.mail(f"ann@{domain}", "INC0012345 again", "Still."))
    assert [len(desk.messages(number)) for number in (1, 2)] == [2, 1]


def test_a_better_signal_decides(desk: SmallDesk) -> None:
    desk.receive(desk.mail(HELPDESK, LATER, "It burns."), desk.mail(HELPDESK, "Other", "Else.", message_id="o@x"))
    desk.receive(desk.mail(HELPDESK, "INC0012345 again", "To the other one.", reply_to="o@x"))
    assert [m.signal for m in desk.messages(2)] == ["new", "references"]
    desk.receive(desk.mail(HELPDESK, "INC0012345 once more", "To the first one."))
    assert len(desk.messages(1)) == 2


def test_a_mail_that_our_server_calls_forged_neither_brings_nor_uses_a_number(desk: SmallDesk) -> None:
    object.__setattr__(desk.store.settings, "authserv_id", "mx.desk.example.test")
    object.__setattr__(desk.store.settings, "trusted_relays", ("127.0.0.0/8",))
    forged = [("Authentication-Results", "mx.desk.example.test; dmarc=fail header.from=partner.example")]
    desk.receive(desk.mail(HELPDESK, LATER, "Give me the next mails.", headers=forged))
    desk.receive(desk.mail(HELPDESK, LATER, "It burns."))
    desk.receive(desk.mail(HELPDESK, "INC0012345 again", "Forged, too.", headers=forged))
    assert [len(desk.messages(t.id)) for t in desk.tickets()] == [1, 1, 1]


def test_long_after_the_end_the_number_means_the_follow_up(desk: SmallDesk) -> None:
    desk.receive(desk.mail(HELPDESK, LATER, "It burns."))
    desk.receive(desk.mail("alice@corp.example.test", "Re", "#close", to=desk.notice_address(desk.alice, 1)))
    desk.later(days=90)
    desk.receive(desk.mail(HELPDESK, "INC0012345 again", "It burns again."))
    desk.receive(desk.mail(HELPDESK, "INC0012345 and again", "And again."))
    assert [m.signal for m in desk.messages(2)] == ["new", "foreign-number"] and len(desk.tickets()) == 2


def test_split_undoes_it_and_takes_along_what_the_message_brought(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(HELPDESK, LATER, "It burns."))
    any_desk.later(minutes=1)
    any_desk.receive(any_desk.mail(HELPDESK, "INC0012345 / INC0099999", "Something else."))
    with any_desk.store.database.transaction() as session:
        conversation.split(session, any_desk.messages(1)[1].id, DESK, any_desk.now)
        assert references_of_ticket(session, 1) == [("INC0012345", "partner.example")]
        assert references_of_ticket(session, 2) == [("INC0099999", "partner.example")]


def test_after_a_merge_the_number_leads_to_the_ticket_that_is_left(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Printer", "It burns."), desk.mail(HELPDESK, LATER, "It burns."))
    with desk.store.database.transaction() as session:
        merging.merge(session, MergeRequest(2, 1, DESK, desk.now))
    desk.receive(desk.mail(HELPDESK, "INC0012345 again", "Still.", to=SUPPORT))
    assert desk.messages(1)[-1].signal == "foreign-number"


def test_a_year_in_brackets_joins_nothing(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "[2026] Budget", "One."), desk.mail(BOB, "[2026] Holidays", "Two."))
    assert len(desk.tickets()) == 2
