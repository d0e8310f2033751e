"""Commands on routing: who would get a ticket and why, and what waits because nobody can take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cli import output
from cli.command import TICKET, Call, DeskGroup
from cli.trouble import Trouble
from desk.tickets.events import EventKind
from storage.routing import unassigned
from storage.tickets import tickets
from usecases.routing import dry_run as routing_dry_run
from usecases.routing.dry_run import Explanation

_GIVEN = (EventKind.ASSIGNED, EventKind.UNROUTABLE)

route_group = DeskGroup("route", help="Who gets a ticket, and why.")


@route_group.command()
@TICKET
def explain(call: Call, ticket: int) -> None:
    """Who would get this ticket now, and why."""
    with call.reading() as session:
        row = tickets.get(session, ticket)
        if row is None:
            raise Trouble(f"there is no ticket #{ticket}")
        explanation = routing_dry_run.explain_ticket(session, row, call.local_now)
        events = [event for event in tickets.history(session, row.id) if event.kind in _GIVEN]
    history = [{"at": event.at, "to": event.after, "why": event.why} for event in events]
    if call.as_json:
        output.as_json(_as_json(explanation) | {"history": history})
    else:
        _print(explanation, history)


@route_group.command()
def waiting(call: Call) -> None:
    """Tickets that nobody can take, and why."""
    with call.reading() as session:
        flags = unassigned.list_flags(session)
    rows = [
        {
            "ticket": flag.id,
            "team": flag.team,
            "minutes": round((call.now - flag.since).total_seconds() / 60),
            "why": flag.why,
        }
        for flag in flags
    ]
    call.rows(rows, ("ticket", "team", "minutes", "why"))


def _as_json(explanation: Explanation) -> dict[str, Any]:
    agents = [
        {"agent": one.member.name, "against": one.hindrance, "skills": list(one.skills), "open": one.member.open}
        for one in explanation.standings
    ]
    wish, choice, team = explanation.wish, explanation.choice, explanation.team
    rules = [
        {"rule": rule.name, "acts": acts, "does": routing_dry_run.describe_rule(rule)}
        for rule, acts in explanation.rules
    ]
    return {
        "ticket": explanation.ticket.id,
        "rules": rules,
        "team": {"name": team.name, "strategy": str(team.strategy)} if team else None,
        "wish": {"category": wish.category, "language": wish.language, "skills": list(wish.skills)},
        "agents": agents,
        "choice": {"agent": choice.member.name if choice.member else None, "why": choice.why} if choice else None,
    }


def _print(explanation: Explanation, history: Sequence[Mapping[str, Any]]) -> None:
    for row in history:
        print(f"{row['at']:%Y-%m-%d %H:%M} {'to ' + str(row['to']) if row['to'] else 'nobody'}: {row['why'] or '–'}")
    for rule, acts in explanation.rules:
        print(f"rule {rule.name} {'acts' if acts else 'does not hold'}: {routing_dry_run.describe_rule(rule)}")
    team, choice = explanation.team, explanation.choice
    print(f"team {team.name}, {team.strategy}" if team else "it is in no team")
    for one in explanation.standings:
        print(f"  {one.member.name}: {one.hindrance or 'could take it'}, {one.member.open} open")
    if choice:
        print(f"now it would go to {choice.member.name if choice.member else 'nobody'}: {choice.why}")
    elif team:
        print("this team takes its tickets by hand")
