"""The facts of stored tickets, as conditions ask for them, on both databases."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from desk.tickets.ticket import Actor, ActorKind
from storage.open_store import Store
from storage.tables.desk import organisations
from storage.tables.tickets import people
from storage.tickets import ticket_facts, tickets
from tests.small_desk import BOB, CAROL, SmallDesk
from usecases.tickets import conversation
from usecases.tickets.conversation import Written

GERMAN = "Guten Tag, ich habe die Rechnung nicht bekommen. Können Sie mir die Rechnung bitte noch einmal schicken?"


def test_a_stored_ticket_tells_its_facts(any_store: Store) -> None:
    desk = SmallDesk(any_store)
    with any_store.database.transaction() as session:
        row = {"name": "Home Ltd", "plan": "gold", "created_at": desk.now}
        number = session.execute(sa.insert(organisations).values(row).returning(organisations.c.id)).scalar_one()
    desk.receive(desk.mail(BOB, "Rechnung", GERMAN), desk.mail(CAROL, "Hello", "All is well here."))
    with any_store.database.transaction() as session:
        session.execute(sa.update(people).where(people.c.address == BOB).values(organisation_id=number, vip=True))
    first, second = desk.tickets()
    with any_store.database.reading() as session:
        found = ticket_facts.load_facts(session, [first, second], desk.now + timedelta(hours=2))
    facts = found[first.id]
    wanted = {"sender": BOB, "organisation": "Home Ltd", "plan": "gold", "vip": True, "language": "de"}
    assert {name: facts[name] for name in wanted} == wanted
    assert facts["mailbox"] == "support@desk.example.test" and facts["team"] == "Support"
    assert "Rechnung" in str(facts["text"]) and facts["waiting_hours"] == 2.0 and facts["reopened"] == 0
    assert found[second.id]["organisation"] == "" and found[second.id]["sender"] == CAROL


def test_who_was_answered_does_not_wait(any_store: Store) -> None:
    desk = SmallDesk(any_store)
    desk.receive(desk.mail(BOB, "Hello", "Is anybody there?"))
    (ticket,) = desk.tickets()
    with any_store.database.transaction() as session:
        alice = Actor(ActorKind.AGENT, desk.alice.id, "Alice Agent")
        held = tickets.get(session, ticket.id, lock=True)
        assert held
        conversation.reply(session, held, Written(alice, "Yes.", desk.now, via="console"))
    with any_store.database.reading() as session:
        facts = ticket_facts.load_facts(session, [desk.ticket(ticket.id)], desk.now + timedelta(hours=2))[ticket.id]
    assert facts["waiting_hours"] == 0.0 and facts["assignee"] == "Alice Agent"
