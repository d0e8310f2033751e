"""What requesters and agents read: who is named in it, who gets it, and what never stands in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from desk.tickets.event_data import EventData
from desk.tickets.ticket import DESK, Actor, ActorKind, Event, Message, MessageKind, Ticket
from storage.open_store import Store
from storage.tickets import tickets
from tests.small_desk import ALICE, BOB, CAROL, EVE, MAX, SUPPORT, SmallDesk, words
from usecases.tickets import conversation
from usecases.tickets.conversation import Written
from workers.notifications import texts

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
TICKET = Ticket(7, "Re: [#7] Help", 1, NOW, NOW)


def said(text: str, name: str = "Bob") -> Message:
    return Message(7, MessageKind.REPLY, True, Actor(ActorKind.REQUESTER, 1, name), NOW, reply=text)


@pytest.fixture
def strict(store: Store) -> SmallDesk:
    """A desk with a receiving mail server that vouches."""
    settings = replace(store.settings, authserv_id="mx.desk.example.test", relay_url="smtp://127.0.0.1:1")
    return SmallDesk(replace(store, settings=settings), delivers=False)


def vouch(domain: str) -> list[tuple[str, str]]:
    return [("Authentication-Results", f"mx.desk.example.test; dmarc=pass header.from={domain}")]


def answer(desk: SmallDesk, text: str, number: int = 1) -> None:
    """The agent's public reply from the mailbox."""
    to = desk.notice_address(desk.alice, number)
    desk.receive(desk.mail(f"Alice Agent <{ALICE}>", "Re", text, to=to, headers=vouch("corp.example.test")))


def to_requester(desk: SmallDesk) -> list[dict[str, object]]:
    return [row for row in desk.letters() if row["recipient"] not in (ALICE, MAX)]


def test_a_quote_says_who_wrote_when_in_the_desks_own_time_and_cuts_what_is_long() -> None:
    quote = texts.quote(said("\n".join(str(n) for n in range(500))), ZoneInfo("Europe/Berlin"))
    lines = quote.text.split("\n")
    assert quote.attribution == "On 2026-11-02 10:00 CET, Bob wrote:"
    assert lines[0] == "0" and lines[-1] == "…" and len(lines) == texts.MOST_QUOTED + 1


def test_a_signature_names_who_answers_and_looks_at_nothing_else() -> None:
    made = texts.signature("{agent}\n{desk} {0} {agent.__class__} {x}", "{desk} Alice", "Desk")
    assert made == "{desk} Alice\nDesk {0} {agent.__class__} {x}"


def test_a_notice_says_what_happened_and_why() -> None:
    text = texts.notice(TICKET, Event(7, NOW, "undeliverable", DESK, why="550 no"), said("Help me"))
    assert "could not be delivered: #7" in text and "Why: 550 no" in text and "Help me" in text and "#help" in text


def test_notes_and_agents_addresses_never_reach_the_requester(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Help", "Please."))
    answer(desk, "#note\nthe requester is a fool")
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, 1, lock=True)
        assert ticket is not None
        alice = Actor(ActorKind.AGENT, desk.alice.id, "Alice Agent")
        conversation.note(session, ticket, Written(alice, "another secret", desk.now, via="console"))
    desk.receive(desk.mail(EVE, "Re: [#1]", "I do not take part"))
    answer(desk, "Try again now.")
    mails = desk.sent(recipient=BOB)
    assert [mail["X-Frontdesk"].partition(";")[0] for mail in mails] == ["acknowledgement", "reply"]
    for mail in mails:
        whole = mail.as_string()
        assert "fool" not in whole and "secret" not in whole and "take part" not in whole
        assert ALICE not in whole and MAX not in whole and "corp.example.test" not in whole


@pytest.mark.parametrize(
    "quoted",
    [
        f"On Mon, 2 Nov 2026, Bob via Frontdesk <{SUPPORT}> wrote:\n> Please.",
        f"-----Original Message-----\nFrom: Bob via Frontdesk <{SUPPORT}>\nTo: Alice <{ALICE}>\nSubject: Help\n\nx",
        f"________________________________\nFrom: Bob <{SUPPORT}>\nSent: Monday\nTo: Alice <{ALICE}>\nSubject: x\n\nx",
        f"-- \nAlice Agent\n{ALICE}",
    ],
)
def test_what_a_mail_program_adds_below_does_not_betray_the_agent(desk: SmallDesk, quoted: str) -> None:
    desk.receive(desk.mail(BOB, "Help", "Please."))
    answer(desk, f"Try again now.\n\n{quoted}")
    (reply,) = desk.sent("reply", BOB)
    assert "Try again now." in words(reply) and ALICE not in reply.as_string()


def test_an_agent_without_a_name_is_named_as_the_desk(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        from storage.tables.tickets import people

        session.execute(people.update().where(people.c.id == desk.alice.id).values(name=""))
    desk.receive(desk.mail(BOB, "Help", "Please."))
    answer(desk, "Try again now.")
    (reply,) = desk.sent("reply", BOB)
    assert ALICE not in reply.as_string() and "Frontdesk" in reply["From"]


def test_whom_a_proven_sender_put_in_copy_gets_the_reply_and_nobody_else(strict: SmallDesk) -> None:
    strict.receive(
        strict.mail(BOB, "Help", "Please.", cc=f"{CAROL}, {SUPPORT}", headers=vouch("home.example.test")),
        strict.mail(BOB, "Other", "Please.", cc=EVE, message_id="second@x"),
    )
    answer(strict, "One.", 1)
    answer(strict, "Two.", 2)
    replies = [(r["recipient"], r["content"].get("cc")) for r in strict.letters("reply")]  # type: ignore[index]
    assert replies == [(BOB, [CAROL]), (BOB, None)]


def test_an_unproven_author_of_a_named_mail_gets_no_copy(strict: SmallDesk) -> None:
    strict.receive(strict.mail(BOB, "Re: x", "See below.", reply_to="x@vendor.example.test"))
    strict.receive(strict.mail(EVE, "x", "I wrote it.", message_id="x@vendor.example.test", cc=BOB))
    answer(strict, "One.")
    assert [r["content"].get("cc") for r in strict.letters("reply")] == [None]  # type: ignore[index]


def test_every_automatic_letter_says_that_it_is_automatic(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Help", "Please."))
    answer(desk, "#resolve\n\nDone.")
    signs = {str(row["kind"]): bool(row["content"].get("automatic")) for row in desk.letters()}  # type: ignore[attr-defined]
    assert signs == {"acknowledgement": True, "notice": True, "command-answer": True, "reply": False}


@pytest.mark.parametrize(
    "text",
    [
        "#resolve\n#status pending",
        "#merge 2\n#merge 2",
        "#merge 2\n#merge 1",
        "#close\n#resolve",
        "#assign @",
        "#merge ²",
    ],
)
def test_commands_that_do_not_fit_together_leave_everything_undone_and_say_so(desk: SmallDesk, text: str) -> None:
    desk.receive(desk.mail(BOB, "Help", "Please."), desk.mail(CAROL, "Other", "Please."))
    before = [desk.ticket(1), desk.ticket(2)], desk.kinds(1)
    answer(desk, f"{text}\n\nHello Bob.")
    assert ([desk.ticket(1), desk.ticket(2)], desk.kinds(1)) == before and desk.letters("reply") == []
    (told,) = desk.sent("command-answer", ALICE)
    assert "Nothing was done" in words(told)


def test_after_a_merge_the_further_commands_are_about_the_ticket_that_is_left(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Help", "Please."), desk.mail(CAROL, "Other", "Please."))
    answer(desk, "#merge 2\n#priority high")
    assert desk.ticket(1).merged_into == 2 and desk.ticket(2).priority == "high"


@pytest.mark.parametrize(
    ("settings", "promises"),
    [
        ({"relay_url": "smtp://127.0.0.1:1"}, False),
        ({"relay_url": "smtp://127.0.0.1:1", "authserv_id": "mx.desk.example.test"}, True),
        ({}, True),
    ],
    ids=["nobody confirms senders", "a server confirms senders", "tried on one machine"],
)
def test_a_notice_offers_commands_only_where_they_will_be_done(
    store: Store, settings: dict[str, str], promises: bool
) -> None:
    desk = SmallDesk(replace(store, settings=replace(store.settings, **settings)), delivers=False)  # type: ignore[arg-type]
    desk.receive(desk.mail(BOB, "Help", "The printer is on fire."))
    notice = str(desk.letters("notice", ALICE)[-1]["content"]["text"])  # type: ignore[index]
    assert ("#resolve" in notice, "Commands" in notice) == (promises, promises)
    assert "Answer this mail to answer the requester." in notice


def test_an_answer_of_a_third_party_offers_commands_only_where_they_will_be_done() -> None:
    event = Event(7, NOW, "side_answered", DESK, after="bank@third.example.test", data=EventData(side=1))
    for takes_commands in (True, False):
        text = texts.notice(TICKET, event, said("Yes"), takes_commands=takes_commands)
        assert ("#reply" in text, "#resolve" in text) == (takes_commands, takes_commands)
        assert "to answer bank@third.example.test; the requester does not read it" in text
