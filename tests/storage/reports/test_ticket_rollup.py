"""The roll-up says what the events say, whoever counts, in whatever order, however often, on both databases."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

import pytest
import sqlalchemy as sa

from desk.tickets.event_data import NonDelivery
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Actor, ActorKind, Change, Event
from storage.open_store import Store
from storage.reports import ticket_rollup
from storage.tables.desk import calendars
from storage.tables.reports import ticket_facts as facts_table
from storage.tables.tickets import teams
from storage.tickets import tickets
from tests.small_desk import CAROL, SmallDesk
from tests.storage.random_desk import RandomDesk, recount
from tests.storage.rows import facts_by_ticket
from usecases.tickets import conversation
from usecases.tickets.conversation import Written
from workers.timers import report_rollup

SEEDS = (1, 2, 3)


def _happened(store: Store, seed: int, tickets: int = 25, steps: int = 300) -> RandomDesk:
    desk = RandomDesk(store, seed)
    desk.open(tickets)
    for _ in range(steps):
        desk.step()
    return desk


@pytest.mark.parametrize("seed", SEEDS)
def test_figures_agree_with_a_recount_from_events(any_store: Store, seed: int) -> None:
    desk = _happened(any_store, seed)
    report_rollup.catch_up(any_store, desk.now)
    with any_store.database.reading() as session:
        rows = facts_by_ticket(session)
        for number in range(1, desk.count + 1):
            counted = recount(session, number)
            if counted is None:
                assert number not in rows
            else:
                told = asdict(rows[number])
                assert {name: told[name] for name in counted} == counted
    assert len(rows) > 15


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_kept_up_is_what_a_rebuild_counts(any_store: Store, seed: int) -> None:
    desk = RandomDesk(any_store, seed)
    desk.open(10)
    for step in range(200):
        desk.step()
        if step % 7 == 0:
            report_rollup.catch_up(any_store, desk.now, timedelta(seconds=desk.dice.choice([0, 10, 40_000])))
        if step % 50 == 0:
            desk.open(3)
    report_rollup.catch_up(any_store, desk.now)
    with any_store.database.reading() as session:
        kept = facts_by_ticket(session)
    assert report_rollup.rebuild(any_store, desk.now).tickets == desk.count
    with any_store.database.reading() as session:
        assert facts_by_ticket(session) == kept


def test_a_rebuild_counts_anew_what_was_spoilt(any_store: Store) -> None:
    desk = _happened(any_store, 4, 10, 50)
    report_rollup.catch_up(any_store, desk.now)
    with any_store.database.transaction() as session:
        kept = facts_by_ticket(session)
        session.execute(sa.update(facts_table).values(replies=99))
        row = dict(session.execute(sa.select(facts_table).limit(1)).one()._mapping)
        session.execute(sa.insert(facts_table).values(row | {"ticket_id": 9_999}))
    report_rollup.rebuild(any_store, desk.now)
    with any_store.database.reading() as session:
        assert facts_by_ticket(session) == kept


def test_what_was_counted_later_is_not_overwritten_by_what_was_counted_before(any_store: Store) -> None:
    desk = _happened(any_store, 5, 5, 30)
    with any_store.database.reading() as session:
        early = ticket_rollup.count_figures(session, range(1, desk.count + 1))
    for _ in range(40):
        desk.step()
    report_rollup.catch_up(any_store, desk.now)
    with any_store.database.transaction() as session:
        kept = facts_by_ticket(session)
        ticket_rollup.lock_floor(session)
        ticket_rollup.save(session, early, desk.now)
        assert facts_by_ticket(session) == kept


def test_the_floor_rises_only_over_what_is_settled(any_store: Store) -> None:
    desk = _happened(any_store, 6, 5, 30)
    assert report_rollup.catch_up(any_store, desk.now) > 0
    with any_store.database.reading() as session:
        below = ticket_rollup.floor(session)
        assert ticket_rollup.is_behind(session)
    assert report_rollup.catch_up(any_store, desk.now + timedelta(minutes=3)) == 0
    with any_store.database.reading() as session:
        assert ticket_rollup.floor(session) > below
        assert not ticket_rollup.is_behind(session)


def test_business_hours_are_those_of_the_team(store: Store) -> None:
    desk = SmallDesk(store)
    slots = [{"days": "mon-fri", "from": "09:00", "to": "17:00"}]
    with store.database.transaction() as session:
        row = {"name": "office", "time_zone": "UTC", "slots": slots, "holidays": {}}
        number = session.execute(sa.insert(calendars).values(row).returning(calendars.c.id)).scalar_one()
        session.execute(sa.update(teams).where(teams.c.name == "Support").values(calendar_id=number))
    desk.now = desk.now.replace(hour=16)
    desk.receive(desk.mail(CAROL, "Printer", "It burns."))
    desk.later(hours=18)
    ticket = desk.ticket(1)

    with store.database.transaction() as session:
        conversation.reply(
            session, ticket, Written(Actor(ActorKind.AGENT, desk.alice.id), "Out!", desk.now, via="test")
        )
    report_rollup.catch_up(store, desk.now)
    with store.database.reading() as session:
        told = facts_by_ticket(session)[1]
    assert told.first_response_seconds == 18 * 3600
    assert told.first_response_business == 2 * 3600


@pytest.mark.parametrize("kind", [EventKind.UNDELIVERABLE, EventKind.DELIVERY_FAILED])
def test_an_answer_that_did_not_arrive_is_no_first_response_in_the_roll_up(any_store: Store, kind: EventKind) -> None:
    desk = SmallDesk(any_store)
    desk.receive(desk.mail(CAROL, "Printer", "It burns."))
    desk.later(hours=1)
    with any_store.database.transaction() as session:
        ticket = tickets.get(session, 1, lock=True)
        assert ticket
        answer = Written(Actor(ActorKind.AGENT, desk.alice.id), "Out!", desk.now, via="test")
        ticket = conversation.reply(session, ticket, answer)
        reply = conversation.newest_message(session, 1)
        lost = Event(1, desk.now, kind, DESK, data=NonDelivery(flagged=True, reply=reply))
        tickets.save(session, Change(ticket, (lost,)))
    report_rollup.catch_up(any_store, desk.now)
    with any_store.database.reading() as session:
        assert facts_by_ticket(session)[1].first_response_seconds is None
