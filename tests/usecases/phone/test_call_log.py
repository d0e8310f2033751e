"""A call that an agent writes down is a request like any other: a ticket with priority, category and clocks."""

from __future__ import annotations

import pytest

from desk.mail.stored_file import StoredFile
from desk.tickets.ticket import NotAllowed
from storage.mail import inbound
from storage.open_store import Store
from storage.people import people_search
from tests.small_desk import BILLING, BOB, SmallDesk
from usecases.phone import call_log
from usecases.phone.call_log import Call


def written_down(desk: SmallDesk, call: Call) -> int:
    """The call's ticket."""
    with desk.store.database.transaction() as session:
        number = call_log.log_call(session, call, "Alice Agent", desk.now)
    desk.work()
    with desk.store.database.reading() as session:
        ticket = inbound.ticket_of(session, number)
    assert ticket
    return ticket


@pytest.fixture
def desk(any_store: Store) -> SmallDesk:
    return SmallDesk(any_store)


def test_a_call_becomes_a_ticket_of_the_caller_and_nothing_is_mailed(desk: SmallDesk) -> None:
    number = written_down(desk, Call(BOB, "Bob", "The printer jams", "It jams since noon.", minutes=4))
    ticket, (message,) = desk.ticket(number), desk.messages(number)
    assert (ticket.channel, ticket.subject, message.author_address) == ("phone", "The printer jams", BOB)
    assert (message.reply, message.cut[0].text) == (
        "It jams since noon.", f"They called ({BOB}, 4 min). Written down by Alice Agent."
    )  # fmt: skip
    assert desk.letters("acknowledgement") == []


def test_the_caller_is_told_by_mail_where_the_agent_asks_for_it(desk: SmallDesk) -> None:
    written_down(desk, Call(BOB, text="Please call back.", confirm=True))
    (letter,) = desk.letters("acknowledgement")
    assert letter["recipient"] == BOB


def test_a_caller_without_an_address_is_known_by_the_number(desk: SmallDesk) -> None:
    first = written_down(desk, Call("+49 (30) 123-456", "Erika", text="My invoice is wrong.", confirm=True))
    second = written_down(desk, Call("0049 30 123 456", text="It is me again."))
    assert desk.ticket(first).requester_id == desk.ticket(second).requester_id
    assert desk.letters() == [] or all("phone.invalid" not in str(one["recipient"]) for one in desk.letters())
    with desk.store.database.reading() as session:
        (person,) = people_search.find_people(session, "30123456 erika", 5)
    assert (person.name, person.open_tickets) == ("Erika", 2)


def test_the_mailbox_says_whose_team_it_is(desk: SmallDesk) -> None:
    number = written_down(desk, Call(BOB, text="About my invoice.", mailbox=BILLING))
    assert desk.ticket(number).team_id == 2


def test_the_same_form_sent_twice_is_one_ticket(desk: SmallDesk) -> None:
    call = Call(BOB, text="Only once.", key="k1")
    assert written_down(desk, call) == written_down(desk, call)
    assert len(desk.tickets()) == 1


@pytest.mark.parametrize("caller", ["", "Bob", "12", "bob@", "@home.example.test", "a b@c.example", "+49x30"])
def test_nobody_is_no_caller(store: Store, caller: str) -> None:
    desk = SmallDesk(store)
    with store.database.transaction() as session, pytest.raises(NotAllowed, match="number"):
        call_log.log_call(session, Call(caller, text="Hello"), "Alice", desk.now)


def test_a_call_about_nothing_is_refused(store: Store) -> None:
    desk = SmallDesk(store)
    with store.database.transaction() as session, pytest.raises(NotAllowed, match="about"):
        call_log.log_call(session, Call(BOB, text=" \n"), "Alice", desk.now)


def test_the_first_line_is_the_subject_where_there_is_none(desk: SmallDesk) -> None:
    number = written_down(desk, Call(BOB, text="\nThe door is stuck.\nSince noon."))
    assert desk.ticket(number).subject == "The door is stuck."


def test_files_of_the_call_are_on_the_ticket(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        sha256 = desk.store.blobs.put(session, b"scan", desk.now)
    number = written_down(desk, Call(BOB, text="See scan.", files=(StoredFile("scan.png", "image/png", 4, sha256),)))
    (message,) = desk.messages(number)
    assert [(file.name, file.sha256) for file in message.attachments] == [("scan.png", sha256)]
