"""Dry runs of routing: what a rule would change on past tickets, and who would get a ticket and why. It only reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from desk.routing import routing
from desk.routing.routing import Choice, Rule, Standing, Strategy, Team, Wish
from desk.rules import actions as acts
from desk.rules import conditions
from desk.tickets.ticket import Ticket
from storage.db.session import Session
from storage.people import availability
from storage.routing import rules as routing_rules
from storage.routing import unassigned
from storage.routing.rules import StoredRoutingRule
from storage.tickets import ticket_facts, tickets
from usecases.routing import assign as engine
from usecases.routing.assign import RoutingRequest, RoutingSetup

PAST = 200


@dataclass(frozen=True, slots=True)
class MovedTicket:
    """One past ticket and the result of the rules without and with the rule."""

    ticket: Ticket
    without: str
    within: str


@dataclass(frozen=True, slots=True)
class Trial:
    looked_at: int
    moved: tuple[MovedTicket, ...] = ()

    @property
    def sentence(self) -> str:
        return f"would route {len(self.moved)} of {self.looked_at} tickets differently"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every active rule and whether it fires, and every member of the team with what speaks against them."""

    ticket: Ticket
    rules: tuple[tuple[Rule, bool], ...]
    team: Team | None
    wish: Wish
    standings: tuple[Standing, ...] = ()
    choice: Choice | None = None


def try_rule(session: Session, stored: StoredRoutingRule, now: datetime, most: int = PAST) -> Trial:
    """Evaluates the rule as if it were on, on the newest tickets as if they came now, with the other rules as they
    are.
    """
    past = tickets.page(session, most=most)
    every = [other for other in routing_rules.list_all(session) if other.rule is not None]
    within = [other.rule for other in every if other.rule and (other.active or other.id == stored.id)]
    without = [other.rule for other in every if other.rule and other.active and other.id != stored.id]
    by, around = engine.load_setup(session), ticket_facts.load_around(session, past)
    changed = []
    for ticket in past:
        facts = engine.request_facts(RoutingRequest(_as_it_came(ticket), around[ticket.id]), by, now)
        before, after = _outcome(routing.walk(without, facts)), _outcome(routing.walk(within, facts))
        if before != after:
            changed.append(MovedTicket(ticket, before, after))
    return Trial(len(past), tuple(changed))


def explain_ticket(session: Session, ticket: Ticket, now: datetime) -> Explanation:
    """Who would get this ticket now, if it had no owner."""
    by = engine.load_setup(session)
    request = RoutingRequest(ticket, ticket_facts.load_around(session, [ticket])[ticket.id])
    facts = engine.request_facts(request, by, now)
    fired = routing.walk(by.rules, facts)
    rules = tuple((rule, rule in fired) for rule in by.rules)
    team = (
        availability.load_availability(session, [ticket.team_id]).teams.get(ticket.team_id) if ticket.team_id else None
    )
    wish = _wish(session, request, by)
    if team is None or team.strategy is Strategy.MANUAL:
        return Explanation(ticket, rules, team, wish)
    standings = tuple(routing.standings(team, wish, now))
    return Explanation(ticket, rules, team, wish, standings, routing.choose(team, wish, now))


def describe_rule(rule: Rule) -> str:
    """ "category under Billing → team Billing, skills German"."""
    return f"{conditions.words(rule.conditions)} → {_outcome([rule])}"


def _wish(session: Session, request: RoutingRequest, by: RoutingSetup) -> Wish:
    ticket, past = request.ticket, unassigned.load_memory(session, [request.ticket.id])[request.ticket.id]
    previous = engine.previous_agents(session, [ticket.requester_id]) if by.wants_previous else {}
    before = previous.get(ticket.requester_id)
    return Wish(ticket.category or "", request.around.language, past.skills, before, past.never)


def _as_it_came(ticket: Ticket) -> Ticket:
    """Without what agents made of it, as far as that is known."""
    return replace(ticket, tags=(), assignee_id=None)


def _outcome(rules: Sequence[Rule]) -> str:
    sentences = [acts.words(action) for rule in rules for action in rule.actions]
    skills = [skill for rule in rules for skill in rule.skills]
    return ", ".join([*sentences, *([f"skills {' + '.join(skills)}"] if skills else [])]) or "no rule"
