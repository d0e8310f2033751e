"""The requester says that it works again: the ticket is resolved, told, and opened again by an undo."""

from __future__ import annotations

import pytest

from desk.tickets.ticket import Actor, ActorKind
from storage.tickets import tickets
from tests.small_desk import ALICE, BOB, CAROL, SUPPORT, SmallDesk, words
from usecases.tickets import undo

THANKS = "Email is working again, thank you!"


def asked(desk: SmallDesk, command: str = "") -> None:
    """Bob's ticket, with an answer that it waits for."""
    desk.receive(desk.mail(BOB, "Email access", "I cannot read mail.", cc=CAROL, message_id="first@x"))
    to = desk.notice_address(desk.alice, 1)
    desk.receive(desk.mail(ALICE, "Re", f"{command}\n\nWe set it up anew. Does it work?".strip(), to=to))


@pytest.mark.parametrize("command", ["", "#reopen"])
def test_a_confirmation_resolves_the_ticket_with_the_last_answer_as_its_resolution(
    any_desk: SmallDesk, command: str
) -> None:
    asked(any_desk)
    if command:
        any_desk.receive(any_desk.mail(BOB, "Re", "Wait.", reply_to="first@x"))
    any_desk.receive(any_desk.mail(BOB, "Re: Email access", THANKS, reply_to="first@x"))
    ticket = any_desk.ticket(1)
    assert ticket.status == "resolved" and ticket.resolution == "We set it up anew. Does it work?"
    assert any(event.why == "the requester says that it works" for event in any_desk.events(1))
    assert "says that it works" in words(any_desk.sent("notice", ALICE)[-1])


def test_it_is_undone_like_any_other_change(desk: SmallDesk) -> None:
    asked(desk)
    desk.receive(desk.mail(BOB, "Re: Email access", THANKS, reply_to="first@x"))
    with desk.store.database.transaction() as session:
        alice = Actor(ActorKind.AGENT, desk.alice.id, "Alice")
        moves = [number for number, event in tickets.numbered_history(session, 1) if event.kind == "status_changed"]
        undo.undo(session, 1, moves[-1], alice, desk.now)
    assert desk.ticket(1).status == "pending"


def test_a_resolved_ticket_stays_so_and_is_marked(desk: SmallDesk) -> None:
    asked(desk, "#resolve")
    desk.receive(desk.mail(BOB, "Re: Email access", THANKS, reply_to="first@x"))
    assert desk.ticket(1).status == "resolved" and desk.events(1)[-1].data.confirmed is True


@pytest.mark.parametrize("text", ["Thank you, but it is still not working.", "thanks, but it still fails"])
@pytest.mark.parametrize("command", ["", "#resolve"])
def test_who_says_that_it_still_fails_opens_the_ticket(desk: SmallDesk, text: str, command: str) -> None:
    asked(desk, command)
    desk.receive(desk.mail(BOB, "Re: Email access", text, reply_to="first@x"))
    assert desk.ticket(1).status == "open"


def test_somebody_in_copy_does_not_confirm_for_the_requester(desk: SmallDesk) -> None:
    asked(desk)
    public = {"to": BOB, "cc": SUPPORT, "rcpt": [SUPPORT], "reply_to": "first@x"}
    desk.receive(desk.mail(CAROL, "Re: Email access", THANKS, **public))  # type: ignore[arg-type]
    assert desk.messages(1)[-1].author_address == CAROL and desk.ticket(1).status == "open"
