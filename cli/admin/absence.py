"""Commands on absence: an agent is away, is back, and is shown as routing sees them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from cli import output
from cli.admin.addresses import agent_of
from cli.admin.agents import agent_group
from cli.command import Call
from cli.trouble import Trouble
from desk.config.settings import Settings
from desk.routing.routing import Member, absence
from storage.db.session import Session
from storage.people import availability
from storage.people.people import Person
from storage.sla import calendars

_COLUMNS = ("address", "weight", "capacity", "skills", "calendar", "absence", "open")


@agent_group.command()
@click.argument("address")
@click.option("--from", "since", default="", metavar="DATE", help="2026-12-01 or 2026-12-01T14:00; else now.")
@click.option("--until", default="", metavar="DATE", help="Until then; a date alone is its first minute.")
@click.option("--hand-over", is_flag=True, help="Open tickets go to others when it begins.")
def away(call: Call, address: str, since: str, until: str, hand_over: bool) -> None:
    """Absent for a while, or from now on."""
    begins = _moment(since, call.settings) or call.now
    ends = _moment(until, call.settings)
    if ends is not None and ends <= max(begins, call.now):
        raise Trouble("--until should be later than the beginning, and still to come", 64)

    def leave(session: Session, agent: Person) -> None:
        availability.set_away(session, agent.id, begins, ends, hands_over=hand_over)

    _on_agent(call, address, leave)


@agent_group.command()
@click.argument("address")
def back(call: Call, address: str) -> None:
    """There again."""
    _on_agent(call, address, lambda session, agent: availability.end_absence(session, agent.id))


@agent_group.command()
@click.argument("address")
def show(call: Call, address: str) -> None:
    """One agent as routing sees them."""
    _on_agent(call, address, lambda _session, _agent: None)


def _on_agent(call: Call, address: str, do: Callable[[Session, Person], None]) -> None:
    with call.writing() as session:
        agent = agent_of(session, address)
        do(session, agent)
        member = availability.load_agents(session, [agent.id]).get(agent.id)
        if member is None:
            raise Trouble(f"{agent.address} is out")
        row = _row(session, agent, member, call.local_now)
    if call.as_json:
        output.as_json(row)
    else:
        output.table([row], _COLUMNS)


def _row(session: Session, agent: Person, member: Member, now: datetime) -> dict[str, Any]:
    own = availability.own_calendar(session, agent.id)
    hours = calendars.get(session, own) if own else None
    gone = absence(member, now)
    if not gone and member.away_from and member.away_from > now:
        gone = f"will be away from {member.away_from:%Y-%m-%d %H:%M} UTC"
    row = {"address": agent.address, "name": agent.name, "weight": member.weight, "capacity": member.capacity}
    row |= {"skills": list(member.skills), "calendar": hours.name if hours else "", "absence": gone}
    return row | {"open": member.open, "away_from": member.away_from, "away_until": member.away_until}


def _moment(text: str, settings: Settings) -> datetime | None:
    """A date or a moment; without an offset in the desk's time zone."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Trouble(f"{text!r} is no date such as 2026-12-01 or 2026-12-01T14:00", 64) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(settings.time_zone))
