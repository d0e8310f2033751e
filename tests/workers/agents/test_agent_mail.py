"""What an agent may do by mail, and what nobody may do in an agent's name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from itertools import product

import pytest

from desk.mail.inbound_request import AutoKind
from desk.tickets.fields import Field, Kind
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from tests.small_desk import ALICE, BOB, EVE, MAX, SUPPORT, SmallDesk, words
from usecases.rules import macros
from usecases.tickets import custom_fields

RESULTS = "mx.desk.example.test; dmarc=pass header.from=corp.example.test"


@pytest.fixture
def strict(store: Store) -> SmallDesk:
    """A desk with a receiving mail server that vouches."""
    settings = replace(store.settings, authserv_id="mx.desk.example.test", relay_url="smtp://127.0.0.1:1")
    return SmallDesk(replace(store, settings=settings), delivers=False)


@pytest.fixture
def address(strict: SmallDesk) -> str:
    strict.receive(strict.mail(BOB, "Cannot login", "Please help.", message_id="first@x"))
    return strict.notice_address(strict.alice, 1)


def _acted(desk: SmallDesk) -> bool:
    done = {"replied", "noted", "assigned", "status_changed", "priority_changed", "tagged", "team_changed"}
    return any(event.kind in done for ticket in desk.tickets() for event in desk.events(ticket.id))


def test_a_proven_agent_acts(strict: SmallDesk, address: str) -> None:
    strict.receive(strict.mail(ALICE, "Re", "#resolve", to=address, headers=[("Authentication-Results", RESULTS)]))
    assert strict.ticket(1).status == "resolved"


@pytest.mark.parametrize(
    "results",
    [
        "",
        "mx.desk.example.test; dmarc=fail header.from=corp.example.test",
        "mx.evil.example.test; dmarc=pass header.from=corp.example.test",
        "mx.desk.example.test.evil.test; dmarc=pass header.from=corp.example.test",
        "mx.desk.example.test; dmarc=pass header.from=evil.example.test",
        "mx.desk.example.test; dmarc=pass header.from=corp.example.test.evil.test",
        "mx.desk.example.test; (dmarc=pass header.from=corp.example.test) dmarc=fail header.from=corp.example.test",
        "mx.desk.example.test; dmarc=fail header.from=corp.example.test; dmarc=pass header.from=corp.example.test",
        'mx.desk.example.test; spf=pass reason="; dmarc=pass header.from=corp.example.test"',
        "mx.desk.example.test (; dmarc=pass header.from=corp.example.test",
        "mx.desk.example.test/1; dmarc=pass header.from=corp.example.test",
    ],
)
def test_without_an_aligned_pass_nothing_is_obeyed(strict: SmallDesk, address: str, results: str) -> None:
    headers = [("Authentication-Results", results)] if results else []
    strict.receive(strict.mail(ALICE, "Re", "#resolve\n\nDone.", to=address, headers=headers))
    assert not _acted(strict) and "unverified_note" in strict.kinds(1)


def test_a_pass_from_a_stranger_machine_counts_for_nothing(strict: SmallDesk, address: str) -> None:
    headers = [("Authentication-Results", RESULTS)]
    strict.receive(strict.mail(ALICE, "Re", "#resolve", to=address, headers=headers, peer="192.0.2.9"))
    assert not _acted(strict)


def _forgeries(address: str, other_agent: str, other_ticket: str) -> list[tuple[str, str, list[str], str]]:
    """(From, To, RCPT, In-Reply-To): every way that somebody might try; a hundred flips of the token among them."""
    local, _, domain = address.partition("@")
    flipped = [f"{local[:i]}{'b' if local[i] != 'b' else 'c'}{local[i + 1 :]}@{domain}" for i in range(8, len(local))]
    short = [f"{local[:-cut]}@{domain}" for cut in range(1, 27)]
    senders = [
        EVE,
        MAX,
        f'"{ALICE}" <{EVE}>',
        f"{ALICE} <{EVE}>",
        f"Alice Agent <{EVE}>",
        f"{ALICE} ({ALICE}) <{EVE}>",
        f"{EVE}, {ALICE}",
        "alice@corp.example.test.evil.test",
        f"alice@corp.example.test (x) <{EVE}>",
        "alice@corp",
        f"=?utf-8?q?{ALICE}?= <{EVE}>",
        f"<{ALICE}>{EVE}",
    ]
    forged = [(sender, address, [address], "") for sender in senders]
    forged += [(ALICE, token, [token], "") for token in (*flipped, *short, other_agent)]
    forged += [(ALICE, SUPPORT, [SUPPORT], "first@x"), (ALICE, SUPPORT, [SUPPORT], ""), (ALICE, address, [SUPPORT], "")]
    forged += [(sender, other_ticket, [other_ticket], "first@x") for sender in (ALICE, EVE)]
    return forged


@pytest.mark.parametrize("every", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_five_hundred_forged_agent_mails_do_nothing(strict: SmallDesk, address: str, every: int) -> None:
    strict.receive(strict.mail(BOB, "Another", "Matter."))
    other_ticket = strict.notice_address(strict.alice, 2)
    with strict.store.database.transaction() as session:
        people.add_agent(session, NewAgent(MAX, "Max Agent", "agent", "", [1]), strict.now)
    strict.receive(strict.mail(BOB, "Third", "Matter."))
    other_agent = strict.notice_address(strict.max, 3)
    forged = _forgeries(address, other_agent, other_ticket)
    count, mails = 0, []
    texts = ("#resolve", "#assign me\n\nHi", "Just an answer.", "#tag x\n#note\n\nHi")
    for text, vouched in product(texts, (False, True)):
        for sender, to, rcpt, parent in forged:
            headers = [("Authentication-Results", RESULTS)] if vouched else []
            raw = (
                f"From: {sender}\r\nTo: {to}\r\nSubject: Re: Cannot login [#1]\r\nMessage-ID: <f{count}@x>\r\n"
                + (f"In-Reply-To: <{parent}>\r\n" if parent else "")
                + "".join(f"{name}: {value}\r\n" for name, value in headers)
                + f"\r\n{text}\r\n"
            )
            mails.append(strict.raw_mail(raw.encode(), EVE, rcpt))
            count += 1
    assert count >= 500
    strict.receive(*mails[::every])
    assert not _acted(strict)
    assert all(row["recipient"] != BOB for row in strict.letters("reply"))


def test_an_expired_address_is_refused_and_says_so(strict: SmallDesk, address: str) -> None:
    strict.later(days=181)
    strict.receive(strict.mail(ALICE, "Re", "#resolve", to=address, headers=[("Authentication-Results", RESULTS)]))
    assert not _acted(strict)
    assert any("expired" in event.why for event in strict.events(1))


def test_the_address_of_an_agent_who_left_is_void(strict: SmallDesk, address: str) -> None:
    with strict.store.database.transaction() as session:
        people.set_active(session, strict.alice.id, active=False)
    strict.receive(strict.mail(ALICE, "Re", "#resolve", to=address, headers=[("Authentication-Results", RESULTS)]))
    assert not _acted(strict)


def test_where_no_server_vouches_text_is_sent_but_commands_are_not_obeyed(store: Store) -> None:
    desk = SmallDesk(replace(store, settings=replace(store.settings, relay_url="smtp://127.0.0.1:1")), delivers=False)
    desk.receive(desk.mail(BOB, "Cannot login", "Please help."))
    address = desk.notice_address(desk.alice, 1)
    desk.receive(desk.mail(ALICE, "Re", "#resolve", to=address))
    assert not _acted(desk)
    desk.receive(desk.mail(ALICE, "Re", "Try again.", to=address))
    assert [m.reply for m in desk.messages(1) if m.kind == "reply"] == ["Please help.", "Try again."]


def test_an_unknown_command_stops_everything_and_answers_with_the_list(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Cannot login", "Please help."))
    text = "#resolv\n#priority high\n\nText."
    desk.receive(desk.mail(ALICE, "Re", text, to=desk.notice_address(desk.alice, 1)))
    (answer,) = desk.sent("command-answer", ALICE)
    assert "#resolv is not a command" in words(answer) and "#assign NAME|me" in words(answer)
    assert not _acted(desk) and len(desk.messages(1)) == 1


@pytest.mark.parametrize(
    "command", ["#assign nobody", "#team nowhere", "#merge 99", "#merge 1", "#priority soon", "#status waiting", "#tag"]
)
def test_a_command_that_does_not_fit_leaves_everything_undone(desk: SmallDesk, command: str) -> None:
    desk.receive(desk.mail(BOB, "Cannot login", "Please help."))
    desk.receive(desk.mail(ALICE, "Re", f"#resolve\n{command}\n\nText.", to=desk.notice_address(desk.alice, 1)))
    assert not _acted(desk) and "Nothing was done" in words(desk.sent("command-answer", ALICE)[0])


def test_every_command_does_what_it_says(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(BOB, "One", "Help."), any_desk.mail(BOB, "Two", "Help."))
    address = any_desk.notice_address(any_desk.alice, 1)
    text = "#note\n#assign max\n#team billing\n#priority high\n#category Billing / Refund\n#tag vip late\n\nSecret."
    any_desk.receive(any_desk.mail(ALICE, "Re", text, to=address))
    ticket = any_desk.ticket(1)
    assert (ticket.priority, ticket.category, ticket.tags) == ("high", "Billing / Refund", ("vip", "late"))
    assert any_desk.messages(1)[1].kind == "note" and any_desk.sent("reply") == []
    any_desk.receive(any_desk.mail(ALICE, "Re", "#assign me\n#status on hold", to=address))
    assert any_desk.ticket(1).assignee_id == any_desk.alice.id and any_desk.ticket(1).status == "on_hold"
    any_desk.receive(any_desk.mail(ALICE, "Re", "#merge 2", to=address))
    assert any_desk.ticket(1).merged_into == 2 and len(any_desk.messages(2)) == 3


def test_an_agents_forward_opens_a_ticket_for_the_requester_in_it(desk: SmallDesk) -> None:
    text = (
        "Please take this one.\n\n---------- Forwarded message ---------\n"
        "From: Carol Customer <carol@home.example.test>\n"
        "Date: Mon, 2 Nov 2026 at 08:00\nSubject: Broken chair\nTo: Alice <alice@corp.example.test>\n\n"
        "My chair broke.\n"
    )
    desk.receive(desk.mail(ALICE, "Fwd: Broken chair", text))
    with desk.store.database.reading() as session:
        requester = people.by_ids(session, [desk.ticket(1).requester_id])[desk.ticket(1).requester_id]
    assert requester.address == "carol@home.example.test"


def test_an_agents_out_of_office_is_kept_and_answers_nobody(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Cannot login", "Please help."))
    away = desk.mail(
        ALICE,
        "Out of office",
        "Back on Monday.",
        to=desk.notice_address(desk.alice, 1),
        headers=[("Auto-Submitted", "auto-replied")],
    )
    assert away.request.auto is AutoKind.REPLY
    desk.receive(away)
    assert desk.states() == {"ticketed": 1, "automatic": 1} and not _acted(desk) and desk.sent("reply") == []


def test_take_snooze_hold_and_undo_do_what_they_say(any_desk: SmallDesk) -> None:
    desk = any_desk
    desk.receive(desk.mail(BOB, "Printer", "It is broken."))
    to = desk.notice_address(desk.alice, 1)
    desk.receive(desk.mail(ALICE, "Re", "#take\n#hold\n#snooze 3h", to=to))
    ticket = desk.ticket(1)
    assert (ticket.assignee_id, ticket.status, ticket.snoozed_until) == (
        desk.alice.id,
        "on_hold",
        desk.now + timedelta(hours=3),
    )
    desk.receive(desk.mail(ALICE, "Re", "#undo", to=to))
    assert desk.ticket(1).snoozed_until is None
    desk.receive(desk.mail(ALICE, "Re", "#resolve a new toner", to=to))
    assert (desk.ticket(1).status, desk.ticket(1).resolution) == ("resolved", "a new toner")


def test_required_fields_hold_a_resolve_by_mail_until_they_are_filled(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        custom_fields.save(session, Field("asset", "Asset", Kind.TEXT, required=True))
    desk.receive(desk.mail(BOB, "Printer", "It is broken."))
    to = desk.notice_address(desk.alice, 1)
    desk.receive(desk.mail(ALICE, "Re", "#resolve", to=to))
    assert desk.ticket(1).status == "new"
    desk.receive(desk.mail(ALICE, "Re", "#field asset P-17\n#resolve", to=to))
    assert (desk.ticket(1).status, desk.ticket(1).fields) == ("resolved", {"asset": "P-17"})


@pytest.mark.parametrize("mark", ["> ", ""])
def test_a_mail_of_nothing_but_a_file_and_the_quoted_notice_sends_the_file_alone(store: Store, mark: str) -> None:
    desk = SmallDesk(store)
    desk.receive(desk.mail(BOB, "Cannot login", "Please help."))
    notice = words(desk.sent("notice", ALICE)[-1])
    quoted = "\n".join(f"{mark}{line}".rstrip() for line in notice.splitlines())
    head = "On Monday Support wrote:" if mark else "-----Original Message-----\nFrom: Support\nSubject: Cannot login\n"
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = ALICE, desk.notice_address(desk.alice, 1), "Re: Cannot login"
    mail.set_content(f"\n\n{head}\n{quoted}\n")
    mail.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="manual.pdf")
    desk.receive(desk.raw_mail(mail.as_bytes(), ALICE, [str(mail["To"])]))
    sent = desk.sent("reply")[-1]
    assert [part.get_filename() for part in sent.iter_attachments()] == ["manual.pdf"]
    assert "Status" not in words(sent) and "#note" not in words(sent) and "wrote:\n> An" not in words(sent)


def test_a_mail_without_a_word_of_its_own_says_nothing_to_anybody(store: Store) -> None:
    desk = SmallDesk(store)
    desk.receive(desk.mail(BOB, "Cannot login", "Please help."))
    to = desk.notice_address(desk.alice, 1)
    desk.receive(desk.mail(ALICE, "Re", "On Monday Support wrote:\n> Max noted: he is a nuisance.\n", to=to))
    assert desk.letters("reply") == [] and len(desk.messages(1)) == 1
    assert "no words of yours" in words(desk.sent("command-answer", ALICE)[-1])


def test_a_macro_with_an_action_that_cannot_be_done_is_told_to_its_agent_and_quarantines_nothing(
    strict: SmallDesk, address: str
) -> None:
    with strict.store.database.transaction() as session:
        macros.save(session, "gone", "The macro's words.", [{"watch": ["Alice Agent", "Nobody There"]}, {"tag": "q"}])
    proof = [("Authentication-Results", RESULTS)]
    strict.receive(strict.mail(ALICE, "Re", "#macro gone\n\nMy own words.", to=address, headers=proof))
    assert strict.states() == {"ticketed": 1, "command": 1}
    (answer,) = strict.letters("command-answer", ALICE)
    assert "no agents are called 'Nobody There'" in str(answer["content"])
    assert strict.ticket(1).tags == () and "replied" not in strict.kinds(1)
