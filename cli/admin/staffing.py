"""Commands on who is there: absence, skills, room and hours of agents; how a team shares its tickets."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cli import output
from cli.admin import aliases, signatures
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from desk.routing.routing import BadRouting, Member, Strategy, Team, absence, read_skills
from storage.db.session import Session
from storage.people import availability, people
from storage.people.people import Person
from storage.sla import calendars
from usecases.access import membership
from usecases.access.membership import COMMAND_LINE

Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]

_AGENT = ("address", "weight", "capacity", "skills", "calendar", "absence", "open")
_TEAM = ("name", "strategy", "previous", "escalate_minutes", "calendar", "agents")


def agent_words(own: Any, command: Command) -> None:
    gone = command(own, "away", away, "absent for a while, or from now on")
    gone.add_argument("address")
    gone.add_argument(
        "--from", dest="since", default="", metavar="DATE", help="2026-12-01 or 2026-12-01T14:00; else now"
    )
    gone.add_argument("--until", default="", metavar="DATE", help="until then; a date alone is its first minute")
    gone.add_argument("--hand-over", action="store_true", help="open tickets go to others when it begins")
    command(own, "back", back, "there again").add_argument("address")
    skills = command(
        own, "skills", set_skills, 'such as German, VPN, "category:Billing / Invoice"; none takes all away'
    )
    skills.add_argument("address")
    skills.add_argument("skills", nargs="*")
    room = command(own, "capacity", set_capacity, "how many open tickets, and what share of the team's")
    room.add_argument("address")
    room.add_argument("tickets", help="a number, or none for no limit")
    room.add_argument("--weight", type=int, help="2 gets twice as much as 1, 0 nothing")
    hours = command(own, "hours", set_hours, "the calendar by which routing knows this agent's hours")
    hours.add_argument("address")
    hours.add_argument("calendar", help="its name, or none for the team's")
    command(own, "show", agent_show, "one agent as routing sees them").add_argument("address")
    signatures.agent_words(own, command)
    aliases.agent_words(own, command)


def team_words(own: Any, command: Command) -> None:
    made = command(own, "set", team_set, "how a team shares its tickets")
    made.add_argument("name")
    made.add_argument("--strategy", choices=[str(one) for one in Strategy])
    made.add_argument("--previous", choices=("yes", "no"), help="who had the requester's last ticket comes first")
    made.add_argument("--escalate-minutes", type=int, help="leads are told again when nobody took it for so long")
    made.add_argument("--calendar", help="its hours, by name; none for always")
    for name, text in (("--join", "this agent becomes a member"), ("--leave", "this agent is no member any more")):
        made.add_argument(name, action="append", default=[], metavar="ADDRESS", help=text)
    signatures.team_words(own, command)


def away(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    since = _moment(args.since, settings) or now
    until = _moment(args.until, settings)
    if until is not None and until <= max(since, now):
        raise Trouble("--until should be later than the beginning, and still to come", 64)
    return _on_agent(
        args, settings, now, lambda s, one: availability.set_away(s, one.id, since, until, hands_over=args.hand_over)
    )


def back(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    return _on_agent(args, settings, now, lambda session, one: availability.end_absence(session, one.id))


def set_skills(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    found = _meant(lambda: read_skills([part for text in args.skills for part in text.split(",") if part.strip()]))
    return _on_agent(
        args, settings, now, lambda session, one: availability.set_agent(session, one.id, skills=list(found))
    )


def set_capacity(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    if not (args.tickets == "none" or (args.tickets.isascii() and args.tickets.isdigit() and len(args.tickets) < 6)):
        raise Trouble(f"{args.tickets!r} should be a number of tickets, or none", 64)
    if args.weight is not None and not 0 <= args.weight <= 100:
        raise Trouble("--weight should be 0 to 100", 64)
    values: dict[str, Any] = {"capacity": None if args.tickets == "none" else int(args.tickets)}
    values |= {} if args.weight is None else {"weight": args.weight}
    return _on_agent(args, settings, now, lambda session, one: availability.set_agent(session, one.id, **values))


def set_hours(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    return _on_agent(
        args, settings, now, lambda s, one: availability.set_agent(s, one.id, calendar_id=_calendar(s, args.calendar))
    )


def agent_show(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    return _on_agent(args, settings, now, lambda _session, _one: None)


def team_set(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        team = people.team_named(session, args.name)
        if team is None:
            raise Trouble(f"there is no team {args.name!r}: `frontdesk team add {args.name!r}` makes it")
        before = availability.team_settings(session)[team.id]
        minutes = before.options.escalate_minutes if args.escalate_minutes is None else args.escalate_minutes
        if not 1 <= minutes <= 10_080:
            raise Trouble("--escalate-minutes should be 1 to 10080", 64)
        previous = before.options.previous if args.previous is None else args.previous == "yes"
        options = replace(before.options, previous=previous, escalate_minutes=minutes)
        hours = (
            availability.calendar_of(session, team.id) if args.calendar is None else _calendar(session, args.calendar)
        )
        availability.set_team(session, team.id, Strategy(args.strategy or before.strategy), options, hours)
        for address in args.join:
            membership.join(session, team.id, _agent(session, address), COMMAND_LINE, now)
        for address in args.leave:
            membership.leave(session, team.id, _agent(session, address), COMMAND_LINE, now)
        row = _team(session, availability.load_availability(session, [team.id]).teams[team.id])
    return output.rows(args, [row], _TEAM) if not args.json else output.said(args, row, "")


def _on_agent(
    args: argparse.Namespace, settings: Settings, now: datetime, do: Callable[[Session, Person], None]
) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        agent = _agent(session, args.address)
        do(session, agent)
        seen = availability.load_agents(session, [agent.id]).get(agent.id)
        if seen is None:
            raise Trouble(f"{agent.address} is out")
        row = _member(session, agent, seen, _local(settings, now))
    return output.said(args, row, "") if args.json else output.rows(args, [row], _AGENT)


def _member(session: Session, agent: Person, seen: Member, now: datetime) -> dict[str, Any]:
    own = availability.own_calendar(session, agent.id)
    hours = calendars.get(session, own) if own else None
    gone = absence(seen, now)
    if not gone and seen.away_from and seen.away_from > now:
        gone = f"will be away from {seen.away_from:%Y-%m-%d %H:%M} UTC"
    row = {"address": agent.address, "name": agent.name, "weight": seen.weight, "capacity": seen.capacity}
    row |= {"skills": list(seen.skills), "calendar": hours.name if hours else "", "absence": gone, "open": seen.open}
    return row | {"away_from": seen.away_from, "away_until": seen.away_until}


def _team(session: Session, team: Team) -> dict[str, Any]:
    own = availability.calendar_of(session, team.id)
    hours = calendars.get(session, own) if own else None
    row = {"name": team.name, "strategy": str(team.strategy), "previous": team.options.previous}
    row |= {"escalate_minutes": team.options.escalate_minutes, "calendar": hours.name if hours else ""}
    return row | {"agents": [member.name for member in team.members]}


def _meant(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except BadRouting as error:
        raise Trouble(str(error), 64) from error


def _agent(session: Session, address: str) -> Person:
    agent = people.by_address(session, address.strip())
    if agent is None or not agent.is_agent:
        raise Trouble(f"there is no agent {address}")
    return agent


def _calendar(session: Session, name: str) -> int | None:
    if name == "none":
        return None
    found = calendars.get_by_name(session, name)
    if found is None:
        raise Trouble(f"there is no calendar {name!r}: `frontdesk calendar list` shows all")
    return found.id


def _moment(text: str, settings: Settings) -> datetime | None:
    """A date or a moment; without an offset in the desk's time zone."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Trouble(f"{text!r} is no date such as 2026-12-01 or 2026-12-01T14:00", 64) from error
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(settings.time_zone))


def _local(settings: Settings, now: datetime) -> datetime:
    return now.astimezone(ZoneInfo(settings.time_zone))
