"""Commands on routing: rules in their order, their tests, explanations, and what waits because nobody can take it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cli import output
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from desk.routing.routing import BadRouting
from desk.tickets.events import EventKind
from storage.db.session import Session
from storage.people import people
from storage.people.people import Person
from storage.routing import rules as routing_rules
from storage.routing import unassigned
from storage.routing.rules import StoredRoutingRule
from storage.tickets import tickets
from usecases.routing import dry_run as routing_dry_run
from usecases.routing.dry_run import Explanation

Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]

_RULE = ("position", "name", "active", "does")


def words(own: Any, command: Command) -> None:
    command(own, "rules", rules, "all routing rules, in their order")
    add = command(own, "add", add_rule, "a new rule at the end, or another version of one")
    add.add_argument("name")
    add.add_argument(
        "--if", dest="conditions", default="[]", metavar="JSON", help='[{"field": "subject", "contains": "x"}]'
    )
    add.add_argument(
        "--then", dest="actions", required=True, metavar="JSON", help='{"team": "Billing", "skills": ["VPN"]}'
    )
    add.add_argument("--off", action="store_true", help="not in force yet")
    tried = command(own, "test", test, "what this rule changes on past tickets")
    tried.add_argument("name")
    tried.add_argument("--last", type=int, default=routing_dry_run.PAST, metavar="TICKETS")
    for name, run, text in (("on", on, "put a rule in force"), ("off", off, "take a rule out of force")):
        command(own, name, run, text).add_argument("name")
    gone = command(own, "remove", remove, "remove a rule")
    gone.add_argument("name")
    gone.add_argument("--dry-run", action="store_true", help="say what would be removed; change nothing")
    moved = command(own, "move", move, "so many places down; up: a negative number")
    moved.add_argument("name")
    moved.add_argument("by", type=int)
    command(own, "explain", explain, "who would get this ticket now, and why").add_argument("ticket", type=int)
    command(own, "waiting", waits, "tickets that nobody can take, and why")


def rules(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        rows = [_rule(kept) for kept in routing_rules.list_all(session)]
    return output.rows(args, rows, _RULE)


def add_rule(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    try:
        conditions, actions = json.loads(args.conditions), json.loads(args.actions)
    except ValueError as error:
        raise Trouble(f"--if and --then are JSON: {error}", 64) from error
    with opened(settings) as store, store.database.transaction() as session:
        kept = _meant(lambda: routing_rules.save(session, args.name, conditions, actions, active=not args.off))
        _check_names(session, kept)
    return output.said(
        args, _rule(kept), f"rule {kept.name} is {'there' if args.off else 'in force'}; workers know within seconds"
    )


def test(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        trial = routing_dry_run.try_rule(session, _kept(session, args.name), _local(settings, now), args.last)
    rows = [
        {"ticket": m.ticket.id, "without": m.without, "with": m.within, "subject": m.ticket.subject}
        for m in trial.moved
    ]
    if args.json:
        output.as_json({"sentence": trial.sentence, "looked_at": trial.looked_at, "moved": rows})
        return 0
    print(f"rule {args.name} {trial.sentence}")
    if rows:
        output.table(rows[:20], ("ticket", "without", "with", "subject"))
    return 0


def on(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    return _switch(args, settings, on=True)


def off(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    return _switch(args, settings, on=False)


def remove(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        kept = _kept(session, args.name)
        if not args.dry_run:
            routing_rules.remove(session, kept)
    return output.said(args, _rule(kept), f"rule {kept.name} {'would be' if args.dry_run else 'is'} gone")


def move(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        routing_rules.move(session, _kept(session, args.name), args.by)
        rows = [_rule(kept) for kept in routing_rules.list_all(session)]
    return output.rows(args, rows, _RULE)


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


def _rule(kept: StoredRoutingRule) -> dict[str, Any]:
    does = routing_dry_run.describe_rule(kept.rule) if kept.rule else f"not understood: {kept.problem}"
    row = {"name": kept.name, "position": kept.position, "active": kept.active, "does": does}
    return row | {"conditions": kept.conditions, "actions": kept.actions}


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


def _switch(args: argparse.Namespace, settings: Settings, *, on: bool) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        kept = _kept(session, args.name)
        _meant(lambda: routing_rules.set_active(session, kept, on=on))
    return output.said(
        args, _rule(kept) | {"active": on}, f"rule {kept.name} is {'on' if on else 'off'}; workers know within seconds"
    )


def _check_names(session: Session, kept: StoredRoutingRule) -> None:
    """A rule that names a team or an agent who is not there would do nothing."""
    for action in kept.rule.actions if kept.rule else ():
        if action.do == "team" and people.team_named(session, action.value) is None:
            raise Trouble(f"there is no team {action.value!r}", 64)
        if action.do == "assign" and not _known_agent(people.all_agents(session), action.value):
            raise Trouble(f"there is no agent {action.value!r}", 64)


def _known_agent(agents: Iterable[Person], name: str) -> bool:
    return sum(one.active and name.lower() in (one.address, one.name.lower()) for one in agents) == 1


def _meant(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except BadRouting as error:
        raise Trouble(str(error), 64) from error


def _kept(session: Session, name: str) -> StoredRoutingRule:
    kept = routing_rules.get_by_name(session, name)
    if kept is None:
        raise Trouble(f"there is no rule {name!r}: `frontdesk route rules` shows all")
    return kept


def _local(settings: Settings, now: datetime) -> datetime:
    return now.astimezone(ZoneInfo(settings.time_zone))
