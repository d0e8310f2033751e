"""Split and merge, also when two do it at once: no message is lost, none is on two tickets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from desk.tickets.ticket import Actor, ActorKind, NotAllowed
from storage.open_store import Store
from storage.tickets import tickets
from storage.tickets.tickets import Stale
from tests.small_desk import BOB, CAROL, SmallDesk
from usecases.tickets import conversation, merging
from usecases.tickets.conversation import Written
from usecases.tickets.merging import MergeRequest

ALICE = Actor(ActorKind.SYSTEM, None, "Alice")


@pytest.fixture
def desk(any_store: Store) -> SmallDesk:
    """Two tickets; the first has three messages."""
    desk = SmallDesk(any_store, delivers=False)
    desk.receive(desk.mail(BOB, "Help", "One.", message_id="1@x"), desk.mail(CAROL, "Other", "Two."))
    desk.receive(desk.mail(BOB, "Re: Help", "Three.", reply_to="1@x", message_id="3@x" + "y" * 450))
    desk.receive(desk.mail(BOB, "Re: Help", "Four.", reply_to="1@x"))
    return desk


def split(desk: SmallDesk, message_id: int) -> int:
    try:
        with desk.store.database.transaction() as session:
            return conversation.split(session, message_id, ALICE, desk.now).id
    except (NotAllowed, Stale):
        return 0


def merge(desk: SmallDesk, gone: int, into: int) -> bool:
    try:
        with desk.store.database.transaction() as session:
            merging.merge(session, MergeRequest(gone, into, ALICE, desk.now))
    except (NotAllowed, Stale):
        return False
    return True


def texts(desk: SmallDesk) -> list[list[str]]:
    return [[m.reply for m in desk.messages(ticket.id)] for ticket in desk.tickets()]


def test_a_split_message_has_a_ticket_of_its_own_and_its_answers_go_there(desk: SmallDesk) -> None:
    third = desk.messages(1)[1]
    number = split(desk, third.id)
    assert texts(desk) == [["One.", "Four."], ["Two."], ["Three."]]
    assert "split" in desk.kinds(1) and desk.kinds(number) == ["opened"]
    desk.receive(desk.mail(BOB, "Re: Help", "Five.", reply_to=third.external_id))
    assert texts(desk)[2] == ["Three.", "Five."]


def test_of_many_who_split_one_message_at_once_one_does(desk: SmallDesk) -> None:
    message_id = desk.messages(1)[1].id
    with ThreadPoolExecutor(8) as pool:
        made = [number for number in pool.map(lambda _: split(desk, message_id), range(8)) if number]
    assert len(made) == 1 and texts(desk) == [["One.", "Four."], ["Two."], ["Three."]]


def test_what_cannot_be_split_is_refused(desk: SmallDesk) -> None:
    assert split(desk, 4711) == 0 and split(desk, desk.messages(2)[0].id) == 0


def test_a_merged_ticket_ends_in_the_other_with_its_people_and_its_later_mail(desk: SmallDesk) -> None:
    assert merge(desk, 1, 2) and not merge(desk, 1, 2) and not merge(desk, 2, 1) and not merge(desk, 2, 2)
    desk.receive(desk.mail(BOB, "Re: Help", "Five.", reply_to="1@x"))
    assert texts(desk) == [[], ["One.", "Two.", "Three.", "Four.", "Five."]]
    assert desk.ticket(1).status == "closed" and desk.kinds(2)[-1] == "requester_replied"
    with desk.store.database.reading() as session:
        survivor = tickets.merge_target(session, 1)
        assert survivor is not None and survivor.id == 2


def test_two_merges_in_opposite_directions_at_once_are_one(desk: SmallDesk) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda pair: merge(desk, *pair), [(1, 2), (2, 1)]))
    assert sorted(done) == [False, True] and sum(map(len, texts(desk))) == 4


def test_an_empty_reply_is_refused(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, 1, lock=True)
        assert ticket is not None
        with pytest.raises(NotAllowed, match="no text"):
            conversation.reply(session, ticket, Written(ALICE, " \n", desk.now, via="console"))
