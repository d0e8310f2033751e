"""Automatic mail, bounces, our own echo and the reply budget."""

from __future__ import annotations

import pytest

from tests.reports import dsn
from tests.small_desk import BOB, SUPPORT, SmallDesk


def test_five_hundred_bounces_make_no_ticket_and_no_mail(desk: SmallDesk) -> None:
    mails = [desk.raw_mail(dsn(f"nobody-{i}@x", f"u{i}@example.test", SUPPORT), "", [SUPPORT]) for i in range(500)]
    desk.receive(*mails)
    assert desk.tickets() == [] and desk.letters() == [] and desk.states() == {"automatic": 500}


def test_an_out_of_office_is_kept_does_not_reopen_and_is_not_answered(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Help", "Please.", message_id="p@x"))
    desk.receive(desk.mail("alice@corp.example.test", "Re", "#resolve", to=desk.notice_address(desk.alice, 1)))
    before = len(desk.letters())
    auto = [("Auto-Submitted", "auto-replied")]
    desk.receive(desk.mail(BOB, "Out of office: Help", "I am away.", reply_to="p@x", headers=auto))
    assert desk.ticket(1).status == "resolved" and "automatic_kept" in desk.kinds(1) and len(desk.letters()) == before


def test_mail_of_a_list_is_one_ticket_and_the_list_is_not_answered(desk: SmallDesk) -> None:
    headers = [("List-Id", "<news.example.test>"), ("Precedence", "list")]
    desk.receive(desk.mail(BOB, "News", "This week.", headers=headers))
    assert len(desk.tickets()) == 1 and desk.letters("acknowledgement") == []


def test_our_own_mail_coming_back_makes_no_ticket(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Help", "Please."))
    (ack,) = desk.sent("acknowledgement")
    desk.receive(desk.raw_mail(ack.as_bytes(), SUPPORT, [SUPPORT]))
    assert len(desk.tickets()) == 1 and desk.states() == {"ticketed": 1, "automatic": 1}


@pytest.mark.parametrize("kind", ["acknowledgement", "reply", "notice"])
def test_our_own_mail_with_a_message_id_that_a_relay_rewrote_makes_no_ticket(desk: SmallDesk, kind: str) -> None:
    desk.receive(desk.mail(BOB, "Help", "Please."))
    desk.receive(desk.mail("alice@corp.example.test", "Re", "Done.", to=desk.notice_address(desk.alice, 1)))
    mail = desk.sent(kind)[0]
    mail.replace_header("Message-ID", "<0100018f-4711@email.amazonses.com>")
    for name in ("In-Reply-To", "References", "Auto-Submitted", "Precedence"):
        del mail[name]
    before = len(desk.letters()), len(desk.messages(1))
    desk.receive(desk.raw_mail(mail.as_bytes(), SUPPORT, [SUPPORT]))
    assert len(desk.tickets()) == 1 and (len(desk.letters()), len(desk.messages(1))) == before
    assert desk.states()["automatic"] == 1


@pytest.mark.parametrize(
    ("sender", "header"),
    [
        (SUPPORT, []),
        (BOB, [("X-Frontdesk", "acknowledgement; ticket=1")]),
        (SUPPORT, [("X-Frontdesk", "yes")]),
        ("hr@desk.example.test", [("X-Frontdesk", "reply; ticket=7")]),
    ],
)
def test_a_contact_form_and_another_desk_of_our_kind_are_heard(
    desk: SmallDesk, sender: str, header: list[tuple[str, str]]
) -> None:
    desk.receive(desk.mail(sender, "From the form", "Please call me.", headers=header))
    assert len(desk.tickets()) == 1


def test_an_address_gets_five_acknowledgements_an_hour_and_every_ticket_is_kept(any_desk: SmallDesk) -> None:
    for number in range(12):
        any_desk.receive(any_desk.mail(BOB, f"Help {number}", "Please."))
    states = [row["state"] for row in any_desk.letters("acknowledgement")]
    assert states.count("caught") == 5 and states.count("suppressed") == 7 and len(any_desk.tickets()) == 12
    any_desk.later(minutes=61)
    any_desk.receive(any_desk.mail(BOB, "Help again", "Please."))
    assert any_desk.letters("acknowledgement")[-1]["state"] == "caught"


@pytest.mark.parametrize(
    "spelling", ["bob+{}@home.example.test", "BOB+{}@home.example.test", "bob+x+{}@HOME.example.test"]
)
def test_spellings_of_an_address_share_its_acknowledgements(any_desk: SmallDesk, spelling: str) -> None:
    for number in range(8):
        any_desk.receive(any_desk.mail(spelling.format(number), f"Help {number}", "Please."))
    states = [row["state"] for row in any_desk.letters("acknowledgement")]
    assert states.count("caught") == 5 and states.count("suppressed") == 3 and len(any_desk.tickets()) == 8


def test_a_domain_that_takes_every_name_has_a_limit_of_its_own(any_desk: SmallDesk) -> None:
    any_desk.limit_acknowledgements(domain=6)
    names = [f"n{number}@{'mail.' * (number % 2)}victim.example" for number in range(9)]
    any_desk.receive(*(any_desk.mail(name, f"Help {name}", "Please.") for name in names[:4]))
    any_desk.receive(*(any_desk.mail(name, f"Help {name}", "Please.") for name in names[4:]))
    states = [row["state"] for row in any_desk.letters("acknowledgement")]
    assert states.count("caught") == 6 and states.count("suppressed") == 3 and len(any_desk.tickets()) == 9
    any_desk.receive(any_desk.mail("m@elsewhere.example", "Help", "Please."))
    assert any_desk.letters("acknowledgement")[-1]["state"] == "caught"


def test_the_limit_of_a_domain_is_not_for_proven_senders_and_shared_domains(desk: SmallDesk) -> None:
    desk.limit_acknowledgements(domain=2)
    proof = [("Authentication-Results", f"{desk.store.settings.authserv_id}; dmarc=pass header.from=big.example")]
    for number in range(4):
        desk.receive(desk.mail(f"n{number}@big.example", f"Help {number}", "Please.", headers=proof))
        desk.receive(desk.mail(f"n{number}@gmail.com", f"Help {number}", "Please."))
    assert {row["state"] for row in desk.letters("acknowledgement")} == {"caught"}


def test_answers_to_commands_are_inside_the_budget(desk: SmallDesk) -> None:
    """A signed address that leaked lets nobody fill the agent's mailbox; a proven agent hears of each command."""
    desk.receive(desk.mail(BOB, "Help", "Please."))
    reply_to = desk.notice_address(desk.alice, 1)
    desk.receive(*(desk.mail(desk.alice.address, f"Re {n}", "#help", to=reply_to) for n in range(40)))
    states = [row["state"] for row in desk.letters("command-answer")]
    assert (states.count("caught"), states.count("suppressed")) == (30, 10)


def test_a_chatty_machine_without_any_sign_fills_nobodys_mailbox(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Help", "Please.", message_id="p@x"))
    desk.receive(*(desk.mail(BOB, "Re: Help", f"Thank you for your mail {n}.", reply_to="p@x") for n in range(60)))
    states = [row["state"] for row in desk.letters("notice")]
    assert states.count("caught") == 30 and states.count("suppressed") == 31 and len(desk.messages(1)) == 61
