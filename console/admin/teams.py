"""The page of teams: assignment strategy, members, capacity and skills; and every agent's own availability."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from console.admin.routing import only_leads
from console.web.request_context import Desk, Visit, action, page
from desk.access.permissions import Verb
from desk.routing.routing import BadRouting, Options, Strategy, Team, hindrance, read_skills
from desk.slack.orders import is_channel
from storage.people import availability as people_availability
from storage.people import people
from storage.people.people import Person
from storage.sla import calendars
from usecases.access import membership

log = structlog.get_logger()

WORDS: Mapping[Strategy, str] = {
    Strategy.MANUAL: "By hand: agents take what they want",
    Strategy.ROUND_ROBIN: "Round robin: everybody in turn",
    Strategy.LEAST_LOADED: "Least loaded: the agent with most free capacity, by weight",
    Strategy.SKILL: "Skill: language and category first, then room",
}


def page_routes(desk: Desk) -> list[BaseRoute]:
    return [Route("/teams", page(desk, show), methods=["GET"])]


def action_routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/teams/{team_id:int}", action(desk, change, Verb.MANAGE), methods=["POST"]),
        Route("/teams/{team_id:int}/join", action(desk, join, Verb.MANAGE), methods=["POST"]),
        Route("/teams/{team_id:int}/members/{agent_id:int}", action(desk, member, Verb.MANAGE), methods=["POST"]),
        Route("/me/availability", action(desk, availability, Verb.AVAILABILITY), methods=["POST"]),
    ]


def show(visit: Visit) -> Response:
    only_leads(visit)
    return _page(visit)


def change(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Saves strategy, options and hours of a team."""
    team = _changed_team(visit)
    minutes = _number(fields.get("escalate_minutes", ""), 1, 10_080)
    if fields.get("strategy") not in set(Strategy) or minutes is None:
        return _page(visit, 422, "a strategy and 1 to 10080 minutes are needed")
    channel = fields.get("slack_channel", "").strip()
    if channel and not is_channel(channel):
        return _page(visit, 422, "a Slack channel is written as its id, such as C0123456")
    if "slack_channel" in fields:
        people.set_slack_channel(visit.session, team.id, channel)
    options = Options(fields.get("previous") == "yes", minutes)
    people_availability.set_team(
        visit.session, team.id, Strategy(fields["strategy"]), options, _calendar(visit, fields)
    )
    log.info("team_changed", team_id=team.id, agent_id=visit.agent.id)
    return RedirectResponse("/teams?done=saved", 303)


def join(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Adds a member; members of a private team are notified who added whom."""
    team, agent = _changed_team(visit), _agent(visit, fields.get("agent", ""))
    membership.join(visit.session, team.id, agent, visit.session.viewer, visit.now)
    return RedirectResponse("/teams?done=saved", 303)


def member(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Saves capacity, skills and hours of an agent, the same in every team; or removes the agent from this team."""
    team, agent = _changed_team(visit), _agent(visit, str(visit.number("agent_id")))
    if fields.get("do") == "leave":
        membership.leave(visit.session, team.id, agent, visit.session.viewer, visit.now)
        return RedirectResponse("/teams?done=saved", 303)
    weight, room = _number(fields.get("weight", ""), 0, 100), fields.get("capacity", "").strip()
    capacity = _number(room, 0, 100_000) if room else None
    if weight is None or (room and capacity is None):
        return _page(visit, 422, "weight is 0 to 100, room a number of tickets or nothing")
    try:
        skills = read_skills([part for part in fields.get("skills", "").split(",") if part.strip()])
    except BadRouting as error:
        return _page(visit, 422, str(error))
    values: dict[str, Any] = {"weight": weight, "capacity": capacity, "skills": list(skills)}
    people_availability.set_agent(visit.session, agent.id, **values, calendar_id=_calendar(visit, fields))
    return RedirectResponse("/teams?done=saved", 303)


def availability(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Sets the agent's own absence, or that of another agent by a lead; redirects back to the page of the form."""
    agent = visit.agent
    if fields.get("agent"):
        only_leads(visit)
        agent = _agent(visit, fields["agent"])
    if fields.get("do") == "back":
        people_availability.end_absence(visit.session, agent.id)
    else:
        until = _until(visit, fields.get("until", ""))
        people_availability.set_away(
            visit.session, agent.id, visit.now, until, hands_over=fields.get("hand_over") == "yes"
        )
    log.info("availability_changed", agent_id=agent.id, by=visit.agent.id)
    return RedirectResponse(_where_from(fields.get("back", "")), 303)


def _page(visit: Visit, status: int = 200, problem: str = "") -> Response:
    every = people.all_teams(visit.session)
    now = visit.now.astimezone(ZoneInfo(visit.desk.settings.time_zone))
    teams = list(people_availability.load_availability(visit.session, [team.id for team in every]).teams.values())
    return visit.html(
        "admin/teams.html",
        status,
        problem=problem,
        teams=teams,
        against={(team.id, one.id): hindrance(one, now)[0] for team in teams for one in team.members},
        hours=people_availability.calendars_of_teams(visit.session),
        own_hours=people_availability.calendars_of_agents(visit.session),
        calendars=calendars.list_all(visit.session),
        strategies=WORDS,
        changeable={team.id for team in teams if _may_change(visit, team.id)},
        private=visit.session.viewer.audited,
        channels={team.id: team.slack_channel for team in every},
        agents=[agent for agent in people.all_agents(visit.session) if agent.active],
    )


def _team(visit: Visit) -> Team:
    team = people_availability.team_settings(visit.session).get(visit.number("team_id"))
    if team is None:
        raise HTTPException(404, "There is no such team.")
    return team


def _changed_team(visit: Visit) -> Team:
    """The team to change; a private one only by its members and by agents with emergency access."""
    team = _team(visit)
    if not _may_change(visit, team.id):
        raise HTTPException(403, "Failed: this team is private, and only its members and admins change it.")
    return team


def _may_change(visit: Visit, team_id: int) -> bool:
    return team_id not in visit.session.viewer.hidden or visit.may(Verb.OPEN_PRIVATE)


def _agent(visit: Visit, text: str) -> Person:
    number = _number(text, 1, 2**62)
    agent = people.by_ids(visit.session, [number]).get(number) if number else None
    if agent is None or not agent.is_agent:
        raise HTTPException(404, "There is no such agent.")
    return agent


def _calendar(visit: Visit, fields: Mapping[str, str]) -> int | None:
    number = _number(fields.get("calendar", ""), 1, 2**62)
    return number if number and calendars.get(visit.session, number) else None


def _until(visit: Visit, text: str) -> datetime | None:
    """The first minute after that day, in the time zone of the desk: "until Friday" includes Friday."""
    if not text:
        return None
    try:
        day = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(visit.desk.settings.time_zone))
    except ValueError as error:
        raise HTTPException(422, "That is no date.") from error
    end = day + timedelta(days=1)
    if end <= visit.now:
        raise HTTPException(422, "That day is over.")
    return end


def _where_from(path: str) -> str:
    """A path of our own pages, nothing else."""
    parts = urlsplit(path)
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc and path.isprintable()
    return path if safe else "/tickets"


def _number(text: str, least: int, most: int) -> int | None:
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1
    return value if least <= value <= most else None
