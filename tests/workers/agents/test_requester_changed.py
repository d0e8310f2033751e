"""The requester of a ticket is changed: ticket, answers and page are the new one's; and it can be undone."""

from __future__ import annotations

import pytest

from desk.tickets.ticket import DESK, Actor, ActorKind, NotAllowed
from storage.people import people
from storage.tickets import tickets
from tests.small_desk import ALICE, BOB, SUPPORT, SmallDesk
from usecases.tickets import requester, requester_view, undo

FORM, ERIKA = "wordpress@shop.example.test", "erika@home.example.test"


def change(desk: SmallDesk, address: str = ERIKA) -> None:
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, 1, lock=True)
        assert ticket is not None
        requester.change(session, ticket, address, DESK, desk.now)
    desk.work()


def sees(desk: SmallDesk, address: str) -> bool:
    with desk.store.database.reading() as session:
        person = people.by_address(session, address)
        looker = requester_view.requester(session, person.id) if person else None
        return looker is not None and requester_view.view_ticket(session, looker, 1) is not None


@pytest.mark.parametrize("known", [True, False])
def test_the_next_answer_goes_to_the_new_requester_and_theirs_comes_back(any_desk: SmallDesk, known: bool) -> None:
    any_desk.receive(any_desk.mail(FORM, "A question", "Where is the parcel?"))
    if known:
        any_desk.receive(any_desk.mail(ERIKA, "Other", "Another matter."))
    change(any_desk)
    any_desk.receive(any_desk.mail(ALICE, "Re", "On its way.", to=any_desk.notice_address(any_desk.alice, 1)))
    (reply,) = any_desk.sent("reply")
    assert (reply["To"], reply["Cc"]) == (ERIKA, None)
    any_desk.receive(any_desk.mail(ERIKA, "Re: A question", "It has not come.", to=str(reply["Reply-To"])))
    assert any_desk.messages(1)[-1].author_address == ERIKA and any_desk.ticket(1).status == "open"
    assert sees(any_desk, ERIKA) and not sees(any_desk, FORM)


def test_the_history_says_so_and_an_undo_gives_the_ticket_back(any_desk: SmallDesk) -> None:
    any_desk.receive(any_desk.mail(FORM, "A question", "Where is the parcel?"))
    change(any_desk)
    (event,) = [event for event in any_desk.events(1) if event.kind == "requester_changed"]
    assert (event.before, event.after) == (FORM, ERIKA)
    with any_desk.store.database.transaction() as session:
        undo.undo(session, 1, None, Actor(ActorKind.AGENT, any_desk.alice.id, "Alice"), any_desk.now)
        people_of = tickets.participants_of(session, [1])[1]
    assert people_of == {FORM: "requester", ERIKA: "sender"} and sees(any_desk, FORM) and not sees(any_desk, ERIKA)


def test_an_agent_changes_it_by_mail(desk: SmallDesk) -> None:
    desk.receive(desk.mail(FORM, "A question", "Where is the parcel?"))
    text = f"#requester {ERIKA}\n\nOn its way."
    desk.receive(desk.mail(ALICE, "Re", f"#requester {ERIKA}", to=desk.notice_address(desk.alice, 1)))
    assert "requester_changed" in desk.kinds(1)
    desk.receive(desk.mail(ALICE, "Re", text, to=desk.notice_address(desk.alice, 1)))
    assert desk.sent("reply")[-1]["To"] == ERIKA


def test_the_same_requester_again_is_no_change(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "A question", "Where is it?"))
    change(desk, BOB.upper())
    assert "requester_changed" not in desk.kinds(1)


@pytest.mark.parametrize("address", [SUPPORT, "nobody", "a b@x.test", ""])
def test_nobody_and_the_desk_itself_are_no_requesters(desk: SmallDesk, address: str) -> None:
    desk.receive(desk.mail(BOB, "A question", "Where is it?"))
    with pytest.raises(NotAllowed):
        change(desk, address)
