"""What our own mail server says of a requester: no statement is no failure, and a failure is kept and marked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from storage.open_store import Store
from tests.small_desk import ALICE, BOB, EVE, SUPPORT, SmallDesk

OURS = "mx.desk.example.test"
SILENT = ["none", "bestguesspass action=none", "temperror", "permerror", "neutral", "policy", "skipped"]
"""DMARC results that say nothing of the sender."""


def results(word: str, sender: str = BOB) -> list[tuple[str, str]]:
    if not word:
        return []
    return [("Authentication-Results", f"{OURS}; spf=fail; dmarc={word} header.from={sender.partition('@')[2]}")]


@pytest.fixture
def desk(store: Store) -> SmallDesk:
    """A desk whose receiving mail server vouches; Bob's ticket was answered and waits for him."""
    settings = replace(store.settings, authserv_id=OURS, relay_url="smtp://127.0.0.1:1")
    made = SmallDesk(replace(store, settings=settings), delivers=False)
    made.receive(made.mail(BOB, "Coffee machine", "It leaks.", message_id="first@x", headers=results("pass")))
    proven = results("pass", ALICE)
    made.receive(made.mail(ALICE, "Re", "Look again.", to=made.notice_address(made.alice, 1), headers=proven))
    assert made.ticket(1).status == "pending"
    return made


def answer(desk: SmallDesk, signal: str, word: str, sender: str = BOB) -> None:
    """Somebody answers the agent's answer, known by one signal only."""
    letter = desk.letters("reply")[-1]
    content = letter["content"]
    assert isinstance(content, dict)
    to = str(content["reply_to"]) if signal == "address" else SUPPORT
    subject = "Re: Coffee machine [#1]" if signal == "subject" else "Re: Coffee machine"
    parent = {"message-id": str(letter["external_id"]), "references": "first@x"}.get(signal, "")
    desk.receive(desk.mail(sender, subject, "Still leaks.", to=to, reply_to=parent, headers=results(word, sender)))


@pytest.mark.parametrize("signal", ["address", "message-id", "references", "subject"])
@pytest.mark.parametrize("word", ["pass", *SILENT, ""])
def test_no_statement_is_no_failure(desk: SmallDesk, signal: str, word: str) -> None:
    answer(desk, signal, word)
    assert len(desk.tickets()) == 1 and desk.ticket(1).status == "open"
    assert desk.messages(1)[-1].trust.verdict == ("pass" if word == "pass" else "none")


@pytest.mark.parametrize("signal", ["address", "message-id"])
def test_a_requesters_own_signed_signal_appends_and_is_marked_where_the_check_failed(
    desk: SmallDesk, signal: str
) -> None:
    answer(desk, signal, "fail")
    assert len(desk.tickets()) == 1 and desk.ticket(1).status == "open"
    message = desk.messages(1)[-1]
    (event,) = [event for event in desk.events(1) if event.message_id == message.id]
    assert message.trust.verdict == "fail" and event.data.verified is False


@pytest.mark.parametrize("signal", ["references", "subject"])
def test_a_weaker_signal_opens_a_linked_ticket_where_the_check_failed(desk: SmallDesk, signal: str) -> None:
    answer(desk, signal, "fail")
    assert desk.ticket(1).status == "pending" and "linked" in desk.kinds(2)
    assert desk.events(2)[0].data.verified is False


@pytest.mark.parametrize("signal", ["address", "message-id", "references", "subject"])
@pytest.mark.parametrize("word", ["pass", "none", "", "fail"])
def test_a_stranger_is_heard_on_nobodys_ticket_by_any_signal(desk: SmallDesk, signal: str, word: str) -> None:
    answer(desk, signal, word, EVE)
    assert len(desk.messages(1)) == 2 and "linked" in desk.kinds(2)


@pytest.mark.parametrize("word", [*SILENT, "", "fail"])
def test_an_agent_needs_a_pass_for_words_and_commands(desk: SmallDesk, word: str) -> None:
    to = desk.notice_address(desk.alice, 1)
    for text in ("#resolve", "A public answer."):
        desk.receive(desk.mail(ALICE, "Re", text, to=to, headers=results(word, ALICE)))
    assert desk.ticket(1).status == "pending" and len(desk.letters("reply")) == 1


def test_agents_read_in_the_notice_that_a_sender_was_not_verified(desk: SmallDesk) -> None:
    answer(desk, "address", "fail")
    content = desk.letters("notice", ALICE)[-1]["content"]
    assert isinstance(content, dict) and "could not verify the sender" in str(content["text"])
    assert "could not verify" not in str(desk.letters("notice", ALICE)[0]["content"])
