"""Commands on absence: an agent is away, is back, and is shown as routing sees them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cli import output
from cli.admin import aliases
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from desk.routing.routing import Member, absence
from storage.db.session import Session
from storage.people import availability, people
from storage.people.people import Person
from storage.sla import calendars

Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]

_AGENT = ("address", "weight", "capacity", "skills", "calendar", "absence", "open")


def agent_words(own: Any, command: Command) -> None:
    gone = command(own, "away", away, "absent for a while, or from now on")
    gone.add_argument("address")
    gone.add_argument(
        "--from", dest="since", default="", metavar="DATE", help="2026-12-01 or 2026-12-01T14:00; else now"
    )
    gone.add_argument("--until", default="", metavar="DATE", help="until then; a date alone is its first minute")
    gone.add_argument("--hand-over", action="store_true", help="open tickets go to others when it begins")
    command(own, "back", back, "there again").add_argument("address")
    command(own, "show", agent_show, "one agent as routing sees them").add_argument("address")
    aliases.agent_words(own, command)


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


def agent_show(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    return _on_agent(args, settings, now, lambda _session, _one: None)


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


def _agent(session: Session, address: str) -> Person:
    agent = people.by_address(session, address.strip())
    if agent is None or not agent.is_agent:
        raise Trouble(f"there is no agent {address}")
    return agent


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
