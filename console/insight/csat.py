"""CSAT figures by team, agent and week; the same for page, API and command.

Ratings of private teams' tickets are left out for agents who may not see these.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import RedirectResponse, Response

from console.web.request_context import Visit
from desk.knowledge import csat as rules_of
from desk.knowledge.csat import SATISFIED, SCORES
from desk.web.clean_input import whole_number
from storage.access import visibility
from storage.db.session import Session
from storage.knowledge import csat, csat_settings
from storage.knowledge.csat import Rating
from storage.people import people

DAYS = 30
MOST_COMMENTS = 100
_SWITCHES = ("ask_rating", "resolution_required", "help_pages", "help_indexed")
_NUMBERS = ("rating_after_hours", "rating_every_days", "rating_remind_days")


def figures(session: Session, now: datetime, days: int = DAYS) -> dict[str, Any]:
    """The given days until now, and as many before for comparison."""
    length = timedelta(days=days)
    ratings = _seen(session, csat.ratings_between(session, now - length, now + timedelta(seconds=1)))
    before = _seen(session, csat.ratings_between(session, now - 2 * length, now - length))
    teams = {team.id: team.name for team in people.all_teams(session)}
    agents = {one.id: one.name or one.address for one in people.all_agents(session)}
    return {
        "days": days,
        "all": _figures(ratings),
        "before": _figures(before),
        "teams": _by(ratings, lambda one: teams.get(one.team_id or 0, "none")),
        "agents": _by(ratings, lambda one: agents.get(one.agent_id or 0, "nobody")),
        "answers": [_answer(one, teams, agents) for one in ratings if one.rated_at is not None][:MOST_COMMENTS],
    }


def show(visit: Visit) -> Response:
    asked = visit.request.query_params.get("days", "")
    days = int(asked) if asked in ("7", "30", "90", "365") else DAYS
    report = figures(visit.session, visit.now, days)
    return visit.html("insight/csat.html", report=report, rules=csat_settings.rules(visit.session), scores=SCORES)


def set_rules(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Saves the settings of the form; invalid values are left unchanged."""
    values: dict[str, Any] = asdict(csat_settings.rules(visit.session))
    values |= {name: name in fields for name in _SWITCHES}
    numbers = {name: whole_number(fields.get(name, "")) for name in _NUMBERS}
    values |= {name: number for name, number in numbers.items() if number is not None}
    try:
        csat_settings.set_rules(visit.session, rules_of.read(values))
    except rules_of.BadCsatSettings:
        return RedirectResponse("/satisfaction?done=refused", 303)
    return RedirectResponse("/satisfaction?done=kept", 303)


def _seen(session: Session, found: Sequence[Rating]) -> list[Rating]:
    hidden = visibility.hidden_tickets(session, [one.ticket_id for one in found])
    return [one for one in found if one.ticket_id not in hidden]


def _by(found: Iterable[Rating], name: Callable[[Rating], str]) -> dict[str, Any]:
    groups: dict[str, list[Rating]] = defaultdict(list)
    for one in found:
        groups[name(one)].append(one)
    return {key: _figures(group) for key, group in sorted(groups.items())}


def _figures(found: Sequence[Rating]) -> dict[str, Any]:
    given = [one.score for one in found if one.score is not None]
    return {
        "asked": len(found),
        "answered": len(given),
        "response_rate": len(given) / len(found) if found else None,
        "mean": round(statistics.mean(given), 2) if given else None,
        "median": statistics.median(given) if given else None,
        "satisfied": sum(1 for score in given if score >= SATISFIED) / len(given) if given else None,
        "scores": {str(score): given.count(score) for score in SCORES},
    }


def _answer(one: Rating, teams: Mapping[int, str], agents: Mapping[int, str]) -> dict[str, Any]:
    names = {"team": teams.get(one.team_id or 0, ""), "agent": agents.get(one.agent_id or 0, "")}
    values = {"ticket_id": one.ticket_id, "score": one.score, "comment": one.comment, "rated_at": one.rated_at}
    return values | names
