"""Routes tickets: evaluates the rules, asks the team's strategy, and stores the assignments with their reasons.

`route` decides for tickets that the caller's transaction holds; `save_results` stores the changes and the turns.
Without `save_results` it is a dry run. Who gets a ticket is decided in `desk/routing/routing.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa

from desk.routing import routing
from desk.routing.routing import Choice, Member, Rule, Strategy, Team, Wish
from desk.rules.actions import Action
from desk.rules.conditions import TicketFacts
from desk.rules.ticket_facts import Around, facts_of_ticket
from desk.sla.business_hours import is_open
from desk.tickets import properties, transitions
from desk.tickets.events import EventKind
from desk.tickets.ticket import DESK, Change, Event, NotAllowed, Ticket
from storage.db.session import Session
from storage.people import availability, holders
from storage.people.availability import Availability
from storage.routing import rules as routing_rules
from storage.tables.tickets import tickets as table
from storage.tickets import tickets
from usecases.rules import run_actions
from usecases.rules.run_actions import ActionContext


@dataclass(frozen=True, slots=True)
class RoutingSetup:
    """The active rules, every team's strategy (without members), and the agents whom a rule may name."""

    rules: tuple[Rule, ...] = ()
    teams: dict[int, Team] = field(default_factory=dict)
    agents: dict[str, int] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """Whether there is anything to route by; if not, routing costs nothing."""
        return bool(self.rules) or any(team.strategy is not Strategy.MANUAL for team in self.teams.values())

    @property
    def automatic(self) -> list[int]:
        """The teams whose tickets are assigned automatically."""
        return [number for number, team in self.teams.items() if team.strategy is not Strategy.MANUAL]

    @property
    def wants_previous(self) -> bool:
        return any(team.options.previous for team in self.teams.values() if team.strategy is not Strategy.MANUAL)

    def team_named(self, name: str) -> Team | None:
        return next((team for team in self.teams.values() if team.name.lower() == name.strip().lower()), None)


@dataclass(frozen=True, slots=True)
class RoutingRequest:
    """A ticket to be routed.

    Rules are for those that are `new`; others bring the `skills` that a rule asked of them. `leaving` says why its
    owner loses it.
    """

    ticket: Ticket
    around: Around = field(default_factory=Around)
    previous: int | None = None
    never: frozenset[int] = frozenset()
    late: bool = False
    new: bool = False
    leaving: str = ""
    skills: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutingResult:
    """The result: the change, texts that rules want written, the rules, and the choice if one was made."""

    asked: RoutingRequest
    change: Change
    texts: tuple[tuple[Action, str], ...] = ()
    rules: tuple[Rule, ...] = ()
    choice: Choice | None = None
    refused: tuple[str, ...] = ()


def load_setup(session: Session) -> RoutingSetup:
    """Everything that seldom changes, in two or three statements."""
    rules = routing_rules.active_rules(session)
    named = any(action.do == "assign" for rule in rules for action in rule.actions)
    return RoutingSetup(rules, availability.team_settings(session), _names(session) if named else {})


def route(
    session: Session, requests: Sequence[RoutingRequest], by: RoutingSetup, now: datetime, *, dry: bool = False
) -> tuple[list[RoutingResult], Availability]:
    """Decides for all requests; the candidate agents are locked from here on, unless it is a dry run."""
    rules_of_each = [_matching_rules(request, by, now) for request in requests]
    team_ids = {
        team for request, rules in zip(requests, rules_of_each, strict=True) if (team := _team_of(request, rules, by))
    }
    team_ids &= set(by.automatic)
    named = {number for rules in rules_of_each for number in _named_agents(rules, by)}
    if not dry and (team_ids or named):
        availability.lock(session, team_ids, named)
    agents_now = availability.load_availability(session, team_ids)
    persons = availability.load_agents(session, named)
    shared = _Round(session, by, agents_now, persons, now)
    results = [_route_ticket(shared, request, rules) for request, rules in zip(requests, rules_of_each, strict=True)]
    return results, agents_now


def save_results(
    session: Session, results: Iterable[RoutingResult], agents_now: Availability, now: datetime, *, react: bool = True
) -> list[Ticket]:
    """Stores the results, for tickets that this transaction holds; returns those that changed."""
    changed = [result for result in results if result.change.events or result.texts]
    tickets.save_locked(session, [result.change for result in changed], react=react)
    availability.save_turns(session, agents_now)
    for result in changed:
        _write_texts(session, result, now, react=react)
    return [result.change.ticket for result in changed]


def previous_agents(session: Session, requester_ids: Iterable[int]) -> dict[int, int]:
    """Requester → the agent of their newest ticket that has one."""
    c = table.c
    unique_ids = sorted(set(requester_ids))
    last = (
        sa.select(sa.func.max(c.id).label("id"))
        .where(c.requester_id.in_(unique_ids), c.assignee_id.is_not(None))
        .group_by(c.requester_id)
        .subquery()
    )
    query = sa.select(c.requester_id, c.assignee_id).join(last, last.c.id == c.id)
    return {row.requester_id: row.assignee_id for row in session.execute(query)} if unique_ids else {}


def request_facts(request: RoutingRequest, by: RoutingSetup, now: datetime) -> TicketFacts:
    """The facts of the ticket; `hours` is "open" or "closed" by its team's calendar."""
    team = by.teams.get(request.ticket.team_id or 0)
    hours = "closed" if team and not is_open(team.calendar, now) else "open"
    return facts_of_ticket(request.ticket, replace(request.around, hours=hours), now)


def _matching_rules(request: RoutingRequest, by: RoutingSetup, now: datetime) -> list[Rule]:
    return routing.walk(by.rules, request_facts(request, by, now)) if request.new and by.rules else []


def _team_of(request: RoutingRequest, rules: Sequence[Rule], by: RoutingSetup) -> int | None:
    """The team that the ticket will have."""
    team_names = [action.value for rule in rules for action in rule.actions if action.do == "team"]
    named = by.team_named(team_names[-1]) if team_names else None
    return named.id if named else request.ticket.team_id


def _named_agents(rules: Sequence[Rule], by: RoutingSetup) -> list[int]:
    names = [action.value for rule in rules for action in rule.actions if action.do == "assign"]
    return [by.agents[name.lower()] for name in names if name.lower() in by.agents]


@dataclass(frozen=True, slots=True)
class _Round:
    """What all tickets that are routed together share."""

    session: Session
    by: RoutingSetup
    agents_now: Availability
    persons: Mapping[int, Member]
    now: datetime


def _route_ticket(shared: _Round, request: RoutingRequest, rules: Sequence[Rule]) -> RoutingResult:
    change, texts, refused = Change(request.ticket), [], []
    for rule in rules:
        for action in rule.actions:
            try:
                changed = _by_rule(shared, change.ticket, action, rule)
            except NotAllowed as error:
                refused.append(f"rule {rule.name}: {error}")
                continue
            if changed is None:
                texts.append((action, rule.name))
            else:
                change = change.then(changed)
    choice = None
    if change.ticket.assignee_id is None or request.leaving:
        skills = (*request.skills, *(skill for rule in rules for skill in rule.skills))
        choice, chosen = _by_strategy(shared, change.ticket, request, skills, refused)
        chosen = Change(
            chosen.ticket,
            tuple(event.with_data(skills=tuple(skills)) for event in chosen.events),
        )
        change = change.then(chosen)
    if request.new:
        change = Change(change.ticket, tuple(map(_of_opening, change.events)))
    return RoutingResult(request, change, tuple(texts), tuple(rules), choice, tuple(refused))


def _by_rule(shared: _Round, ticket: Ticket, action: Action, rule: Rule) -> Change | None:
    """The change that a rule's action makes; None for texts, which are written later."""
    session, by, now, why = shared.session, shared.by, shared.now, f"rule {rule.name}"
    if action.do == "team":
        team = by.team_named(action.value)
        if team is None:
            raise NotAllowed(f"there is no team {action.value!r}")
        return transitions.to_team(ticket, team.id, team.name, DESK, now, why)
    if action.do == "assign":
        agent = shared.persons.get(by.agents.get(action.value.lower(), 0))
        if agent is None:
            raise NotAllowed(f"{action.value!r} is no agent")
        if absent := routing.absence(agent, now):
            raise NotAllowed(f"{agent.name} {absent}")
        holders.check(session, ticket.team_id, agent.id)
        return transitions.assign(ticket, agent.id, agent.name, DESK, now, why)
    return run_actions.change_of(session, ticket, action, ActionContext(DESK, now, why))


def _by_strategy(
    shared: _Round, ticket: Ticket, request: RoutingRequest, skills: tuple[str, ...], refused: Sequence[str]
) -> tuple[Choice | None, Change]:
    agents_now, now = shared.agents_now, shared.now
    team = agents_now.teams.get(ticket.team_id or 0)
    if team is None:
        return None, _leave_unowned(ticket, request, refused, now)
    wish = Wish(ticket.category or "", request.around.language, skills, request.previous, request.never, request.late)
    choice = routing.choose(team, wish, now)
    why = f"{request.leaving}; {choice.why}" if request.leaving else choice.why
    if choice.member is None:
        free = transitions.assign(ticket, None, "", DESK, now, request.leaving)
        return choice, free.then(_flag(free.ticket, choice, now))
    agents_now.record_assignment(team.id, choice.member.id, now)
    return choice, transitions.assign(ticket, choice.member.id, choice.member.name, DESK, now, why)


def _leave_unowned(ticket: Ticket, request: RoutingRequest, refused: Sequence[str], now: datetime) -> Change:
    """No strategy: the ticket waits in its team for an agent to take it; a named agent who is absent is noted."""
    free = transitions.assign(ticket, None, "", DESK, now, request.leaving)
    absent = [why for why in refused if why]
    return free.then(properties.flag_unroutable(free.ticket, DESK, now, absent[0])) if absent and request.new else free


def _flag(ticket: Ticket, choice: Choice, now: datetime) -> Change:
    change = properties.flag_unroutable(ticket, DESK, now, choice.why)
    return Change(change.ticket, tuple(event.with_data(closed=choice.closed) for event in change.events))


def _of_opening(event: Event) -> Event:
    """Marked as part of the opening, so that the owner gets one notice and not two."""
    return event.with_data(opening=True) if event.kind == EventKind.ASSIGNED else event


def _write_texts(session: Session, result: RoutingResult, now: datetime, *, react: bool) -> None:
    ticket = tickets.get(session, result.change.ticket.id) if result.texts else None
    for action, rule in result.texts:
        if ticket is not None:
            doing = ActionContext(DESK, now, f"rule {rule}", react=react)
            ticket = run_actions.run_actions(session, ticket, [action], doing).ticket


def _names(session: Session) -> dict[str, int]:
    """Whom a rule may name: by address, and by name where only one is called so."""
    agents = holders.list_possible(session)
    names = [agent.name.lower() for agent in agents]
    by_name = {agent.name.lower(): agent.id for agent in agents if agent.name and names.count(agent.name.lower()) == 1}
    return by_name | {agent.address: agent.id for agent in agents}
