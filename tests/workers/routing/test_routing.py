"""New tickets get an owner with a reason, atomically and fairly, on both databases."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa

from desk.routing.routing import Options, Strategy
from desk.tickets.ticket import Event, Status
from gateway.intake import accept
from storage.open_store import Store
from storage.people import availability, people
from storage.people.people import NewAgent, Person
from storage.routing import rules as routing_rules
from storage.tables.tickets import tickets
from tests.small_desk import BILLING, BOB, CAROL, SmallDesk
from workers.inbound import ingest


class RoutedDesk(SmallDesk):
    """The small desk with more agents in Support, whose strategy a test chooses."""

    def __init__(self, store: Store, strategy: Strategy, agents: int = 3, options: Options | None = None) -> None:
        super().__init__(store, delivers=False)
        self.staff: list[Person] = [self.alice]
        with store.database.transaction() as session:
            team = people.team_named(session, "Support")
            assert team
            self.support = team.id
            for number in range(2, agents + 1):
                address = f"agent{number}@corp.example.test"
                self.staff.append(
                    people.add_agent(session, NewAgent(address, f"Agent {number}", "agent", "", [team.id]), self.now)
                )
            availability.set_team(session, team.id, strategy, options or Options(), None)

    def set(self, agent: Person, **values: object) -> None:
        with self.store.database.transaction() as session:
            availability.set_agent(session, agent.id, **values)

    def rule(self, name: str, conditions: list[object], actions: dict[str, object]) -> None:
        with self.store.database.transaction() as session:
            routing_rules.save(session, name, conditions, actions)

    def burst(self, count: int, sender: str = BOB) -> None:
        self.receive(*(self.mail(sender, f"Question {number}", f"Number {number}, please.") for number in range(count)))

    def owners(self) -> Counter[int | None]:
        return Counter(ticket.assignee_id for ticket in self.tickets())

    def event(self, ticket: int, kind: str) -> Event:
        return next(event for event in self.events(ticket) if event.kind == kind)


def test_a_new_ticket_is_somebodys_at_once_and_says_why(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.LEAST_LOADED)
    desk.set(desk.alice, capacity=8)
    desk.burst(1)
    (ticket,) = desk.tickets()
    assert (ticket.assignee_id, ticket.status) == (desk.alice.id, Status.OPEN)
    assert desk.event(ticket.id, "assigned").why == "has most room, 0 of 8 open, nothing assigned before"
    desk.later(minutes=14)
    desk.burst(3)
    assert desk.event(desk.tickets()[-1].id, "assigned").why == "has most room, 1 of 8 open, last assigned 09:00"


def test_only_the_owner_hears_of_a_new_ticket_and_once(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.ROUND_ROBIN)
    desk.burst(1)
    assert [letter["recipient"] for letter in desk.letters("notice")] == [desk.alice.address]


@pytest.mark.parametrize("strategy", [Strategy.ROUND_ROBIN, Strategy.LEAST_LOADED, Strategy.SKILL])
def test_turns_go_round_within_a_batch_and_between_batches(any_store: Store, strategy: Strategy) -> None:
    desk = RoutedDesk(any_store, strategy, agents=7)
    for count in (1, 10, 3, 24):
        desk.burst(count)
    found = desk.owners()
    assert sum(found.values()) == 38 and max(found.values()) - min(found.values()) <= 1 and None not in found


def test_a_team_that_takes_its_tickets_by_hand_is_left_alone(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.MANUAL)
    desk.burst(2)
    assert desk.owners() == {None: 2} and all(ticket.unroutable_at is None for ticket in desk.tickets())


def test_a_desk_that_does_not_route_pays_no_statement_more(any_store: Store) -> None:
    def statements(desk: SmallDesk) -> list[str]:
        seen: list[str] = []
        with desk.store.database.reading() as session:
            desk.context.configuration(session)

        def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
            seen.append(statement)

        sa.event.listen(desk.store.database.engine, "before_cursor_execute", note)
        desk.receive(desk.mail(BOB, "Hello", "One question."))
        sa.event.remove(desk.store.database.engine, "before_cursor_execute", note)
        return seen

    seen = statements(SmallDesk(any_store, delivers=False))
    assert not [one for one in seen if "memberships.last_assigned_at" in one or "routing_rules" in one]


def test_a_larger_batch_costs_no_statement_more(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.LEAST_LOADED, agents=2)
    desk.rule("mark", [{"field": "organisation", "set": False}], {"tag": "new"})

    def statements(count: int) -> int:
        mails = [desk.mail(BOB, f"Question {desk.count}", "One question.") for _ in range(count)]
        accept(desk.store, mails, desk.now)
        with desk.store.database.reading() as session:
            desk.context.configuration(session)
        seen: list[str] = []

        def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
            seen.append(statement)

        sa.event.listen(desk.store.database.engine, "before_cursor_execute", note)
        ingest.drain(desk.context)
        sa.event.remove(desk.store.database.engine, "before_cursor_execute", note)
        return len(seen)

    statements(2)
    assert statements(40) <= statements(4) + 1


def test_rules_choose_team_priority_tags_and_the_last_one_ends(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.ROUND_ROBIN)
    desk.rule("mark", [{"field": "subject", "contains": "invoice"}], {"tag": ["money"], "priority": "high"})
    desk.rule("money", [{"field": "tags", "is": "money"}], {"team": "Billing"})
    desk.rule("rest", [], {"tag": "unmarked"})
    desk.receive(desk.mail(BOB, "My invoice", "Is it paid?"), desk.mail(CAROL, "Hello", "How are you?"))
    money, rest = desk.tickets()
    assert (money.tags, str(money.priority), money.assignee_id) == (("money",), "high", None)
    assert desk.event(money.id, "team_changed").why == "rule money"
    assert rest.tags == ("unmarked",) and rest.assignee_id == desk.alice.id


def test_a_rule_may_name_an_agent_who_is_there(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.ROUND_ROBIN)
    desk.rule("max", [{"field": "mailbox", "is": BILLING}], {"assign": "max agent"})
    desk.receive(desk.mail(BOB, "One", "One", to=BILLING))
    desk.set(desk.max, available=False)
    desk.receive(desk.mail(BOB, "Two", "Two", to=BILLING))
    first, second = desk.tickets()
    assert first.assignee_id == desk.max.id and desk.event(first.id, "assigned").why == "rule max"
    assert second.assignee_id is None and second.unroutable_at is not None
    assert desk.event(second.id, "unroutable").why == "rule max: Max Agent is not available"


def test_a_rule_may_ask_for_skills_write_notes_and_call_watchers(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.ROUND_ROBIN)
    desk.set(desk.staff[2], skills=["VPN"])
    actions: dict[str, object] = {"skills": ["VPN"], "note": "Ask for the device.", "watch": "alice agent"}
    desk.rule("vpn", [{"field": "subject", "word": "vpn"}], actions)
    desk.receive(desk.mail(BOB, "VPN down", "It does not connect."))
    (ticket,) = desk.tickets()
    assert ticket.assignee_id == desk.staff[2].id
    assert desk.event(ticket.id, "assigned").why.startswith("skill VPN, 0 open")
    assert desk.messages(ticket.id)[-1].reply == "Ask for the device."


def test_language_and_category_choose_who_has_the_skill(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.SKILL)
    desk.set(desk.staff[1], skills=["German"])
    text = "Guten Tag, ich habe leider keine Antwort auf meine Frage bekommen. Können Sie mir bitte noch einmal helfen?"
    desk.receive(desk.mail(BOB, "Frage", text))
    (ticket,) = desk.tickets()
    assert ticket.assignee_id == desk.staff[1].id
    assert desk.event(ticket.id, "assigned").why == "skill German, 0 open, nothing assigned before"


def test_the_requesters_previous_agent_comes_first_where_the_team_wants_it(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.LEAST_LOADED, options=Options(previous=True))
    desk.burst(1, BOB)
    desk.burst(1, CAROL)
    desk.burst(3, BOB)
    assert desk.owners()[desk.alice.id] == 4


def test_nobody_there_is_a_flag_with_its_reason_and_the_team_is_told(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.LEAST_LOADED, agents=2)
    desk.set(desk.alice, available=False)
    desk.set(desk.staff[1], away_from=desk.now, away_until=desk.now + timedelta(days=1))
    desk.burst(1)
    (ticket,) = desk.tickets()
    assert ticket.assignee_id is None and ticket.unroutable_at == desk.now
    flag = desk.event(ticket.id, "unroutable")
    assert flag.why == "nobody in Support: Alice Agent is not available, Agent 2 is away until Tue 3 Nov 09:00"
    assert not flag.data.closed


def test_whoever_takes_a_flagged_ticket_takes_the_flag_away(any_store: Store) -> None:
    from desk.tickets import transitions
    from desk.tickets.ticket import Actor, ActorKind
    from storage.tickets import tickets as kept

    desk = RoutedDesk(any_store, Strategy.LEAST_LOADED, agents=1)
    desk.set(desk.alice, available=False)
    desk.burst(1)
    me = Actor(ActorKind.AGENT, desk.alice.id, "Alice Agent")
    with any_store.database.transaction() as session:
        held = kept.get(session, desk.tickets()[0].id, lock=True)
        assert held and held.unroutable_at
        kept.save(session, transitions.assign(held, me.id, me.name, me, desk.now))
    assert desk.tickets()[0].unroutable_at is None


def test_doing_it_twice_changes_nothing(any_store: Store) -> None:
    desk = RoutedDesk(any_store, Strategy.ROUND_ROBIN)
    desk.burst(4)
    before = desk.tickets()
    desk.work()
    assert desk.tickets() == before


def test_what_agents_hold_is_read_by_an_index_of_only_that(store: Store) -> None:
    with store.database.reading() as session:
        query = sa.select(sa.func.count()).where(
            sa.text("assignee_id IS NOT NULL AND status IN ('new', 'open', 'pending', 'on_hold')")
        )
        query = query.where(tickets.c.assignee_id.in_([1, 2])).select_from(tickets)
        compiled = query.compile(store.database.engine, compile_kwargs={"literal_binds": True})
        plan = session.execute(sa.text(f"EXPLAIN QUERY PLAN {compiled}")).all()
    assert "ix_tickets_held" in str(plan)
