"""Nothing strands: owners who left or are away, flags that drain and escalate, tickets moved or given back."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from desk.routing.routing import Options, Strategy
from desk.tickets import transitions
from desk.tickets.ticket import Actor, ActorKind, Change, Status, Ticket
from storage.open_store import Store
from storage.people import availability, people
from storage.people.people import Person
from storage.sla import calendars
from storage.sla.calendars import CalendarRow
from storage.tables.tickets import agents
from storage.tickets import tickets
from tests.workers.routing.test_routing import RoutedDesk
from workers.events import dispatch
from workers.timers import reassign

DAY = timedelta(days=1)


def look(desk: RoutedDesk) -> int:
    """What the scheduler or an event enqueues."""
    changed = reassign.drain(desk.context)
    dispatch.drain(desk.context)
    return changed


def leave(desk: RoutedDesk, agent: Person) -> None:
    with desk.store.database.transaction() as session:
        people.set_active(session, agent.id, active=False)


def change(desk: RoutedDesk, number: int, by: Person, make: object) -> None:
    who = Actor(ActorKind.AGENT, by.id, by.name)
    with desk.store.database.transaction() as session:
        held = tickets.get(session, number, lock=True)
        assert held and callable(make)
        made: Change = make(held, who, desk.now)
        tickets.save(session, made)
    dispatch.drain(desk.context)


def give_back(held: Ticket, who: Actor, at: object) -> Change:
    return transitions.assign(held, None, "", who, at)  # type: ignore[arg-type]


def test_who_leaves_leaves_nothing_behind(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.ROUND_ROBIN)
    desk.burst(6)
    mine = [ticket.id for ticket in desk.tickets() if ticket.assignee_id == desk.alice.id]
    change(desk, mine[0], desk.alice, lambda t, who, at: transitions.set_status(t, Status.PENDING, who, at))
    leave(desk, desk.alice)
    assert look(desk) == 2 and desk.alice.id not in desk.owners() and None not in desk.owners()
    why = desk.events(mine[1])[-1].why
    assert why.startswith("Alice Agent left; next in turn, 2 open, last assigned 09:00")
    assert look(desk) == 0


def test_in_a_team_without_strategy_they_wait_in_its_queue(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.MANUAL)
    desk.burst(1)
    change(desk, desk.tickets()[0].id, desk.alice, lambda t, who, at: transitions.assign(t, who.id, who.name, who, at))
    leave(desk, desk.alice)
    assert look(desk) == 1
    assert desk.tickets()[0].assignee_id is None and desk.events(desk.tickets()[0].id)[-1].why == "Alice Agent left"


@pytest.mark.parametrize("hands_over", [True, False])
def test_who_goes_away_hands_over_when_it_begins_or_keeps_what_they_have(any_store: Store, hands_over: bool) -> None:
    desk = RoutedDesk(any_store, Strategy.LEAST_LOADED, agents=2)
    desk.burst(4)
    with any_store.database.transaction() as session:
        availability.set_away(session, desk.alice.id, desk.now + DAY, desk.now + 3 * DAY, hands_over=hands_over)
    assert look(desk) == 0
    desk.later(days=1)
    assert look(desk) == (2 if hands_over else 0)
    desk.burst(2)
    assert desk.owners()[desk.alice.id] == (0 if hands_over else 2)
    desk.later(days=2)
    desk.burst(1)
    assert desk.owners()[desk.alice.id] == (1 if hands_over else 3)


def test_the_queue_drains_when_somebody_comes_back_the_most_urgent_first(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.LEAST_LOADED, agents=1)
    desk.set(desk.alice, available=False, capacity=2)
    desk.rule("urgent", [{"field": "subject", "contains": "fire"}], {"priority": "urgent"})
    desk.burst(3)
    desk.receive(desk.mail("eve@home.example.test", "Fire", "There is a fire in the server room."))
    assert desk.owners() == {None: 4}
    with any_store.database.transaction() as session:
        availability.end_absence(session, desk.alice.id)
    assert look(desk) == 2
    owned = [ticket.subject for ticket in desk.tickets() if ticket.assignee_id]
    assert owned == ["Question 0", "Fire"] and sum(t.unroutable_at is not None for t in desk.tickets()) == 2
    change(desk, 1, desk.alice, lambda t, who, at: transitions.resolve(t, who, at))
    assert look(desk) == 1 and desk.ticket(2).assignee_id == desk.alice.id


def test_a_ticket_without_anybody_for_it_holds_up_no_other(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.LEAST_LOADED, agents=1)
    desk.set(desk.alice, available=False)
    desk.rule("vpn", [{"field": "subject", "contains": "fire"}], {"priority": "urgent", "skills": ["VPN"]})
    desk.receive(desk.mail("eve@home.example.test", "Fire", "There is a fire."))
    desk.burst(1)
    desk.set(desk.alice, available=True)
    look(desk)
    assert desk.ticket(2).assignee_id == desk.alice.id


def test_leads_hear_of_it_once_an_hour_and_skills_stop_counting_when_its_time_is_over(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.SKILL, agents=2, options=Options(escalate_minutes=20))
    with any_store.database.transaction() as session:
        session.execute(sa.update(agents).where(agents.c.id == desk.staff[1].id).values(role="lead"))
    lead = desk.staff[1]
    desk.rule("vpn", [], {"skills": ["VPN"]})
    desk.burst(3)
    assert [t.unroutable_at is not None for t in desk.tickets()] == [True] * 3
    text = str(desk.letters("notice", lead.address)[-1]["content"])
    assert "No agent is available for this ticket" in text and "nobody in Support for VPN" in text
    told = len([one for one in desk.letters("notice", lead.address) if "No agent is available" in str(one["content"])])
    assert told == 1
    desk.later(minutes=19)
    assert look(desk) == 0
    desk.later(minutes=1)
    assert look(desk) == 3 and None not in desk.owners()
    assert desk.event(1, "assigned").why.startswith("nobody with the skills came in time, 0 open")


def test_when_its_time_is_over_and_still_nobody_is_there_leads_hear_again_once(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.LEAST_LOADED, agents=1, options=Options(escalate_minutes=20))
    with any_store.database.transaction() as session:
        session.execute(sa.update(agents).where(agents.c.id == desk.alice.id).values(role="lead", available=False))
    desk.burst(2)
    desk.later(minutes=20)
    assert (look(desk), look(desk)) == (2, 0)
    assert desk.event(1, "unroutable_escalated").why == "nobody for 20 minutes; from now on skills do not count"
    again = [one for one in desk.letters("notice") if "Still no agent for this ticket" in str(one["content"])]
    assert [one["recipient"] for one in again] == [desk.alice.address]


def test_after_hours_nobody_is_woken_and_the_time_runs_when_the_team_is_open(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.LEAST_LOADED, agents=1)
    slots = [{"days": "mon-fri", "from": "09:00", "to": "17:00"}]
    with any_store.database.transaction() as session:
        hours = calendars.save(session, CalendarRow("Office", "UTC", slots))
        availability.set_team(session, desk.support, Strategy.LEAST_LOADED, Options(), hours.id)
    desk.later(hours=9)
    desk.burst(1)
    flag = desk.event(1, "unroutable")
    assert flag.data.closed and "is off work until Tue 3 Nov 09:00" in flag.why
    assert not [one for one in desk.letters("notice") if "No agent is available" in str(one["content"])]
    desk.later(hours=10)
    assert look(desk) == 0
    desk.later(hours=5)
    assert look(desk) == 1 and desk.ticket(1).assignee_id == desk.alice.id


def test_a_ticket_that_is_moved_to_a_routing_team_finds_an_owner_there(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.ROUND_ROBIN)
    desk.receive(desk.mail("bob@home.example.test", "Hello", "Hello", to="billing@desk.example.test"))
    change(desk, 1, desk.max, lambda t, who, at: transitions.to_team(t, desk.support, "Support", who, at))
    assert look(desk) == 1 and desk.ticket(1).assignee_id == desk.alice.id


def test_who_gives_a_ticket_back_does_not_get_it_again(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.LEAST_LOADED, agents=2)
    desk.burst(1)
    change(desk, 1, desk.alice, give_back)
    assert look(desk) == 1 and desk.ticket(1).assignee_id == desk.staff[1].id
    change(desk, 1, desk.staff[1], give_back)
    assert look(desk) == 1 and desk.ticket(1).assignee_id == desk.alice.id


def test_given_back_by_the_only_one_it_is_flagged_and_stays_so(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.LEAST_LOADED, agents=1)
    desk.burst(1)
    change(desk, 1, desk.alice, give_back)
    assert look(desk) == 1 and look(desk) == 0
    assert desk.ticket(1).unroutable_at == desk.now and "Alice Agent gave it away" in desk.events(1)[-1].why


def test_what_reopens_after_its_owner_left_finds_another(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.ROUND_ROBIN, agents=2)
    desk.burst(1)
    change(desk, 1, desk.alice, lambda t, who, at: transitions.resolve(t, who, at))
    leave(desk, desk.alice)
    assert look(desk) == 0
    change(desk, 1, desk.staff[1], lambda t, who, at: transitions.reopen(t, who, at))
    assert look(desk) == 1 and desk.ticket(1).assignee_id == desk.staff[1].id


def test_a_team_that_begins_to_route_takes_up_what_waited(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.MANUAL)
    desk.burst(5)
    with any_store.database.transaction() as session:
        availability.set_team(session, desk.support, Strategy.ROUND_ROBIN, Options(), None)
    assert look(desk) == 5 and sorted(desk.owners().values()) == [1, 2, 2]


def test_the_clock_asks_only_where_something_waits(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.ROUND_ROBIN, agents=1)
    desk.burst(1)

    def needed() -> bool:
        with any_store.database.reading() as session:
            return reassign.needed(session, desk.context.configuration(session).routing, desk.now)

    assert not needed()
    desk.set(desk.alice, available=False)
    desk.burst(1)
    assert needed()
