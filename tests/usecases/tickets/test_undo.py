"""Undo on the record, on both databases: steps, merges and splits come back whole, and each says so in the history."""

from __future__ import annotations

import pytest

from desk.priority.levels import Priority
from desk.tickets import history, transitions
from desk.tickets.ticket import Actor, ActorKind, NotAllowed, Status, Ticket
from storage.open_store import Store
from storage.people import people
from storage.tickets import tickets
from tests.small_desk import BOB, CAROL, SmallDesk
from usecases.tickets import cc, conversation, merging, undo
from usecases.tickets import links as ticket_links
from usecases.tickets.conversation import Written
from usecases.tickets.merging import MergeRequest


@pytest.fixture
def desk(any_store: Store) -> SmallDesk:
    """Two tickets; the first has two messages."""
    desk = SmallDesk(any_store, delivers=False)
    desk.receive(desk.mail(BOB, "Help", "One.", message_id="1@x"), desk.mail(CAROL, "Other", "Two."))
    desk.receive(desk.mail(BOB, "Re: Help", "Three.", reply_to="1@x"))
    return desk


def alice(desk: SmallDesk) -> Actor:
    return Actor(ActorKind.AGENT, desk.alice.id, "Alice Agent")


def back(desk: SmallDesk, ticket: int, number: int | None = None) -> Ticket:
    desk.later(minutes=1)
    with desk.store.database.transaction() as session:
        return undo.undo(session, ticket, number, alice(desk), desk.now)


def event_number(desk: SmallDesk, ticket: int, kind: str) -> int:
    with desk.store.database.reading() as session:
        return [number for number, event in tickets.numbered_history(session, ticket) if event.kind == kind][-1]


def replayed(desk: SmallDesk, number: int) -> None:
    """The history tells the ticket as it is stored."""
    ticket, events = desk.ticket(number), desk.events(number)
    told = history.replay(history.beginning(ticket, events), events)
    for name in history.TOLD:
        assert getattr(told, name) == getattr(ticket, name), name


def merged(desk: SmallDesk, gone: int = 1, into: int = 2) -> None:
    desk.later(minutes=1)
    with desk.store.database.transaction() as session:
        merging.merge(session, MergeRequest(gone, into, alice(desk), desk.now))


def test_the_newest_step_is_undone_first_and_then_the_one_before(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, 1, lock=True)
        assert ticket is not None
        ticket = tickets.save(session, transitions.assign(ticket, desk.alice.id, "Alice Agent", alice(desk), desk.now))
        desk.later(minutes=1)
        tickets.save(session, transitions.set_priority(ticket, Priority.URGENT, alice(desk), desk.now))
    first = desk.ticket(1)
    assert back(desk, 1).priority is not Priority.URGENT
    then = back(desk, 1)
    assert (first.assignee_id, first.status) == (desk.alice.id, Status.OPEN)
    assert (then.assignee_id, then.status) == (None, Status.NEW)
    with pytest.raises(NotAllowed, match="nothing to undo"):
        back(desk, 1)
    replayed(desk, 1)
    assert desk.events(1)[-1].why.startswith("undid what Alice Agent did at 2026-11-02")


@pytest.mark.parametrize("side", [(1, "merged_into"), (2, "merged_from")])
def test_a_merge_is_undone_from_either_side(desk: SmallDesk, side: tuple[int, str]) -> None:
    before = desk.ticket(1), [m.id for m in desk.messages(1)], [m.id for m in desk.messages(2)]
    merged(desk)
    assert len(desk.messages(2)) == 3 and desk.ticket(1).status is Status.CLOSED
    back(desk, side[0], event_number(desk, *side))
    assert (desk.ticket(1).status, desk.ticket(1).merged_into) == (before[0].status, None)
    assert [m.id for m in desk.messages(1)] == before[1] and [m.id for m in desk.messages(2)] == before[2]
    with desk.store.database.reading() as session:
        assert BOB not in tickets.participants_of(session, [2])[2] and tickets.links_of(session, 1) == []
    replayed(desk, 1)
    replayed(desk, 2)
    desk.receive(desk.mail(BOB, "Re: Help", "Four.", reply_to="1@x"))
    assert [m.reply.strip() for m in desk.messages(1)] == ["One.", "Three.", "Four."]
    with pytest.raises(NotAllowed):
        back(desk, side[0], event_number(desk, *side))


def test_a_merge_into_what_was_merged_itself_comes_back_from_the_end(desk: SmallDesk) -> None:
    desk.receive(desk.mail(CAROL, "Third", "Three."))
    merged(desk, 1, 2)
    merged(desk, 2, 3)
    with pytest.raises(NotAllowed, match="#2 was merged into #3 later"):
        back(desk, 1)
    back(desk, 2)
    back(desk, 1)
    assert [len(desk.messages(n)) for n in (1, 2, 3)] == [2, 1, 1]


def test_a_split_is_undone_unless_the_new_ticket_lives_its_own_life(desk: SmallDesk) -> None:
    message = desk.messages(1)[1].id
    with desk.store.database.transaction() as session:
        new = conversation.split(session, message, alice(desk), desk.now).id
    number = event_number(desk, 1, "split")
    assert [m.id for m in desk.messages(new)] == [message]
    back(desk, 1, number)
    assert message in [m.id for m in desk.messages(1)] and desk.ticket(new).merged_into == 1
    with pytest.raises(NotAllowed):
        back(desk, 1, number)
    with desk.store.database.transaction() as session:
        new = conversation.split(session, message, alice(desk), desk.now).id
        ticket = tickets.get(session, new)
        assert ticket is not None
        conversation.note(session, ticket, Written(alice(desk), "Mine.", desk.now, via="console"))
    with pytest.raises(NotAllowed, match="more messages"):
        back(desk, 1, event_number(desk, 1, "split"))


def test_an_owner_who_left_gets_nothing_back(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, 1, lock=True)
        assert ticket is not None
        ticket = tickets.save(session, transitions.assign(ticket, desk.max.id, "Max", alice(desk), desk.now))
        desk.later(minutes=1)
        tickets.save(session, transitions.assign(ticket, desk.alice.id, "Alice", alice(desk), desk.now))
        people.set_active(session, desk.max.id, active=False)
    with pytest.raises(NotAllowed, match="not there any more"):
        back(desk, 1)


def test_links_are_told_on_both_tickets_and_can_be_taken_back(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        ticket_links.link(session, 1, 2, "blocks", alice(desk), desk.now)
        ticket_links.link(session, 1, 2, "blocks", alice(desk), desk.now)
        (one,), (other,) = ticket_links.links_of(session, 1), ticket_links.links_of(session, 2)
    assert (one.words, other.words) == ("blocks", "is blocked by")
    assert desk.kinds(1).count("linked") == desk.kinds(2).count("linked") == 1
    with desk.store.database.transaction() as session:
        ticket_links.unlink(session, 2, 1, "blocks", alice(desk), desk.now)
        assert ticket_links.links_of(session, 1) == []
    with desk.store.database.transaction() as session, pytest.raises(NotAllowed):
        ticket_links.unlink(session, 2, 1, "blocks", alice(desk), desk.now)


def test_children_are_resolved_with_their_parent_and_have_no_children(desk: SmallDesk) -> None:
    desk.receive(desk.mail(CAROL, "Third", "Three."))
    with desk.store.database.transaction() as session:
        for child in (2, 3):
            ticket_links.set_parent(session, child, 1, alice(desk), desk.now)
        with pytest.raises(NotAllowed, match="has children"):
            ticket_links.set_parent(session, 1, 2, alice(desk), desk.now)
        ticket = tickets.get(session, 1, lock=True)
        assert ticket is not None
        ticket = tickets.save(session, transitions.resolve(ticket, alice(desk), desk.now))
        assert [t.id for t in ticket_links.resolve_children(session, ticket, alice(desk), desk.now)] == [2, 3]
    assert desk.ticket(3).status is Status.RESOLVED and desk.events(3)[-1].why == "resolved with its parent #1"


def test_a_ticket_with_children_becomes_no_child(desk: SmallDesk) -> None:
    desk.receive(desk.mail(CAROL, "Third", "Three."))
    with desk.store.database.transaction() as session:
        ticket_links.set_parent(session, 2, 1, alice(desk), desk.now)
        with pytest.raises(NotAllowed, match="has children"):
            ticket_links.set_parent(session, 1, 3, alice(desk), desk.now)


def test_agents_say_who_is_in_copy(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, 1, lock=True)
        assert ticket is not None
        ticket = cc.add(session, ticket, " Boss@Home.example.test ", alice(desk), desk.now)
        ticket = cc.add(session, ticket, "boss@home.example.test", alice(desk), desk.now)
        assert tickets.participants_of(session, [1])[1]["boss@home.example.test"] == "added"
        for wrong in ("nobody", "a@b c", "x@<y>"):
            with pytest.raises(NotAllowed):
                cc.add(session, ticket, wrong, alice(desk), desk.now)
        ticket = cc.remove(session, ticket, "boss@home.example.test", alice(desk), desk.now)
        with pytest.raises(NotAllowed):
            cc.remove(session, ticket, BOB, alice(desk), desk.now)
    assert desk.kinds(1)[-2:] == ["copy_added", "copy_removed"]
