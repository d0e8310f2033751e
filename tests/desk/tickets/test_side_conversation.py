"""The rule of side conversations: who is heard there, what it does to the ticket, and that nothing else changes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.mail.thanks import Courtesy
from desk.signed import reply_address
from desk.signed.reply_address import ReplyRight
from desk.tickets import history as told
from desk.tickets import side_conversation
from desk.tickets.side_conversation import ReceivedMessage, SentMessage, Side, State
from desk.tickets.ticket import Actor, ActorKind, Event, NotAllowed, Status, Ticket

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ALICE, SUE = Actor(ActorKind.AGENT, 1, "Alice"), Actor(ActorKind.THIRD_PARTY, 2, "Sue")
TALK = Side(3, 7, "Part 7", "sue@supplier.test", ("sue@supplier.test", "x@gmail.com"), NOW)
TICKET = Ticket(7, "Printer", 9, NOW, NOW, Status.OPEN)
SECRET = b"a key of the tests"
STEPS = ("sent", "held", "answered", "thanked", "machine", "failed", "closed", "reopened", "moved")


def step(name: str, talk: Side, ticket: Ticket, at: datetime) -> side_conversation.Step:
    match name:
        case "sent" | "held":
            hold = name == "held" and ticket.status not in (Status.RESOLVED, Status.CLOSED)
            return side_conversation.sent(talk, ticket, SentMessage(ALICE, at, 1, hold=hold))
        case "answered" | "thanked":
            courtesy = Courtesy.THANKS if name == "thanked" else Courtesy.NONE
            return side_conversation.answered(talk, ticket, ReceivedMessage(SUE, at, 1, courtesy))
        case "machine":
            return side_conversation.kept(talk, ticket, at, "out of office", 1)
        case "failed":
            return side_conversation.failed(talk, ticket, at)
        case "closed":
            return side_conversation.closed(talk, ticket, ALICE, at)
    return side_conversation.reopened(talk, ticket, ALICE, at)


@given(st.sampled_from(Status), st.lists(st.sampled_from(STEPS[:-1]), max_size=12))
def test_of_the_ticket_only_the_hold_changes_and_the_history_tells_it(status: Status, names: list[str]) -> None:
    talk, ticket, at = TALK, replace(TICKET, status=status), NOW
    events: list[Event] = []
    for name in names:
        at += timedelta(minutes=1)
        made = step(name, talk, ticket, at)
        assert not made.side.holds or name == "held" or talk.holds
        for event in made.change.events:
            assert event.kind.startswith("side_") or event.kind in ("automatic_kept", "status_changed")
            assert event.kind != "status_changed" or {event.before, event.after} & {Status.ON_HOLD}
        talk, ticket = made.side, made.change.ticket
        events += made.change.events
        if name in ("answered", "failed", "closed"):
            assert not talk.holds
    assert told.replay(replace(TICKET, status=status), events).status is ticket.status
    assert replace(ticket, status=status, updated_at=NOW) == replace(TICKET, status=status)


@pytest.mark.parametrize(
    ("sender", "heard"),
    [
        ("sue@supplier.test", True),
        ("colleague@supplier.test", True),
        ("x@gmail.com", True),
        ("y@gmail.com", False),
        ("jane@ours.test", False),
        ("bob@home.test", False),
    ],
)
def test_who_is_heard(sender: str, heard: bool) -> None:
    talk = replace(TALK, people=(*TALK.people, "hr@ours.test", "bob@home.test"))
    assert side_conversation.takes_part(talk, sender, "bob@home.test", {"ours.test"}) is heard


@given(st.text(max_size=80))
def test_what_is_typed_is_addresses_or_is_refused(text: str) -> None:
    try:
        found = side_conversation.addresses(text)
    except NotAllowed:
        return
    assert all(one.count("@") == 1 and one == one.lower() and not set(one) & set(" ,;<>\r\n\0") for one in found)


def test_several_addresses_are_read_as_people_write_them() -> None:
    assert side_conversation.addresses("<Sue@Supplier.test>, x@y.test; sue@supplier.test") == (
        "sue@supplier.test",
        "x@y.test",
    )


def test_a_merged_ticket_asks_nobody() -> None:
    with pytest.raises(NotAllowed, match="merged"):
        side_conversation.sent(TALK, replace(TICKET, merged_into=8), SentMessage(ALICE, NOW, 1))


def test_who_was_erased_is_written_to_no_more() -> None:
    with pytest.raises(NotAllowed, match="erased"):
        side_conversation.sent(replace(TALK, address="(erased)"), TICKET, SentMessage(ALICE, NOW, 1))


def test_a_proven_answer_names_whom_it_has_in_copy_and_adds_nobody() -> None:
    people = ("sam@supplier.test", "sue@supplier.test")
    made = side_conversation.answered(TALK, TICKET, ReceivedMessage(SUE, NOW, 1, newcomers=tuple(people)))
    assert made.side.people == TALK.people and made.change.events[-1].data.newcomers == ("sam@supplier.test",)
    assert (
        side_conversation.answered(replace(TALK, state=State.CLOSED), TICKET, ReceivedMessage(SUE, NOW, 1)).side.state
        is State.OPEN
    )


@given(st.integers(1, 2**62), st.integers(1, 2**62), st.text(alphabet="0123456789abcdef", min_size=20, max_size=20))
def test_a_message_id_names_ticket_and_side_conversation(ticket: int, number: int, unique: str) -> None:
    made = reply_address.message_id(ticket, reply_address.side_unique(number, unique), SECRET, "desk.test")
    assert (
        reply_address.side_of_message_id(made, SECRET) == number
        and reply_address.ticket_of_message_id(made, SECRET) == ticket
    )
    assert reply_address.side_of_message_id(made, SECRET + b"x") is None
    assert (
        reply_address.side_of_message_id(reply_address.message_id(ticket, unique, SECRET, "desk.test"), SECRET) is None
    )
    other = made.replace(reply_address.side_unique(number, unique), reply_address.side_unique(number + 1, unique))
    assert reply_address.side_of_message_id(other, SECRET) is None


@given(st.integers(1, 36**5), st.integers(1, 36**5))
def test_an_address_of_one_purpose_is_no_address_of_another(ticket: int, number: int) -> None:
    made = reply_address.reply_address(
        "support@desk.test", ReplyRight(reply_address.SIDE, ticket, number, reply_address.NO_VERSION), SECRET, NOW
    )
    for purpose in (reply_address.AGENT, reply_address.REQUESTER, reply_address.SIDE_AGENT):
        other = made.replace("+s", f"+{purpose}", 1)
        assert reply_address.read_reply_address(other, reply_address.NO_VERSION, SECRET, NOW) is None
    token = reply_address.read_reply_address(made, reply_address.NO_VERSION, SECRET, NOW)
    assert token is not None and (token.purpose, token.ticket_id, token.person_id) == (
        reply_address.SIDE,
        ticket,
        number,
    )
