"""What is thought before a transaction is only thought: it decides nothing, and what nobody thought is made in time."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.intake import accept
from storage.mail import inbound
from storage.tables.tickets import inbound as table
from tests.small_desk import BOB, SmallDesk
from workers.inbound import ingest, prefetch


def _waiting(desk: SmallDesk) -> list[inbound.WaitingRequest]:
    with desk.store.database.reading() as session:
        return inbound.list_waiting(session, 10)


def test_requests_are_read_and_guessed_before_anything_is_held(desk: SmallDesk) -> None:
    accept(desk.store, [desk.mail(BOB, "Cannot login", "I cannot login to my account.")], desk.now)
    thought = prefetch.prefetch_batch(desk.context, 10)
    (row,) = _waiting(desk)
    assert set(thought.items) == set(thought.guesses_by_id) == {row.id}
    assert thought.guesses([thought.item(row)])[0].category == "Access / Authentication"
    assert desk.states() == {}


def test_what_came_after_the_look_is_read_when_it_is_claimed(desk: SmallDesk) -> None:
    thought = prefetch.prefetch_batch(desk.context, 10)
    accept(desk.store, [desk.mail(BOB, "Cannot login", "I cannot login to my account.")], desk.now)
    (row,) = _waiting(desk)
    assert thought.guesses([thought.item(row)])[0].category == "Access / Authentication"


def test_a_row_that_cannot_be_read_is_set_aside_and_its_neighbour_settles(desk: SmallDesk) -> None:
    accept(desk.store, [desk.mail(BOB, "One", "The first."), desk.mail(BOB, "Two", "The second.")], desk.now)
    broken = _waiting(desk)[0].id
    with desk.store.database.transaction() as session:
        session.execute(sa.update(table).where(table.c.id == broken).values(request="{"))
    for _ in range(4):
        ingest.drain(desk.context)
    assert [ticket.subject for ticket in desk.tickets()] == ["Two"]
    assert desk.states()["ticketed"] == 1
