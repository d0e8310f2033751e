"""Commands on routing: who would get a ticket and why, and what waits because nobody can take it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cli import output
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from desk.tickets.events import EventKind
from storage.routing import unassigned
from storage.tickets import tickets
from usecases.routing import dry_run as routing_dry_run
from usecases.routing.dry_run import Explanation

Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]


def words(own: Any, command: Command) -> None:
    command(own, "explain", explain, "who would get this ticket now, and why").add_argument("ticket", type=int)
    command(own, "waiting", waits, "tickets that nobody can take, and why")


def explain(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        ticket = tickets.get(session, args.ticket)
        if ticket is None:
            raise Trouble(f"there is no ticket #{args.ticket}")
        found = routing_dry_run.explain_ticket(session, ticket, _local(settings, now))
        given = [
            event
            for event in tickets.history(session, ticket.id)
            if event.kind in (EventKind.ASSIGNED, EventKind.UNROUTABLE)
        ]
    past = [{"at": e.at, "to": e.after, "why": e.why} for e in given]
    if args.json:
        output.as_json(_explained(found) | {"history": past})
        return 0
    for row in past:
        print(f"{row['at']:%Y-%m-%d %H:%M} {'to ' + str(row['to']) if row['to'] else 'nobody'}: {row['why'] or '–'}")
    _print(found)
    return 0


def waits(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        rows = [
            {
                "ticket": one.id,
                "team": one.team,
                "minutes": round((now - one.since).total_seconds() / 60),
                "why": one.why,
            }
            for one in unassigned.list_flags(session)
        ]
    return output.rows(args, rows, ("ticket", "team", "minutes", "why"))


def _explained(found: Explanation) -> dict[str, Any]:
    people_of = [
        {"agent": one.member.name, "against": one.hindrance, "skills": list(one.skills), "open": one.member.open}
        for one in found.standings
    ]
    wish = {"category": found.wish.category, "language": found.wish.language, "skills": list(found.wish.skills)}
    choice = (
        {"agent": found.choice.member.name if found.choice.member else None, "why": found.choice.why}
        if found.choice
        else None
    )
    team = {"name": found.team.name, "strategy": str(found.team.strategy)} if found.team else None
    told = [
        {"rule": rule.name, "acts": acts, "does": routing_dry_run.describe_rule(rule)} for rule, acts in found.rules
    ]
    return {"ticket": found.ticket.id, "rules": told, "team": team, "wish": wish, "agents": people_of, "choice": choice}


def _print(found: Explanation) -> None:
    for rule, acts in found.rules:
        print(f"rule {rule.name} {'acts' if acts else 'does not hold'}: {routing_dry_run.describe_rule(rule)}")
    team = found.team
    print(f"team {team.name}, {team.strategy}" if team else "it is in no team")
    for one in found.standings:
        print(f"  {one.member.name}: {one.hindrance or 'could take it'}, {one.member.open} open")
    if found.choice:
        print(f"now it would go to {found.choice.member.name if found.choice.member else 'nobody'}: {found.choice.why}")
    elif team:
        print("this team takes its tickets by hand")


def _local(settings: Settings, now: datetime) -> datetime:
    return now.astimezone(ZoneInfo(settings.time_zone))
