"""Exports the configuration of the desk, in the shape of `desk/config/desk_toml.py`. It only reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from desk.channels import Channel
from desk.config.desk_toml import KINDS, Entry, State
from desk.routing.routing import read_options
from storage.db.session import Session
from storage.learning import categories, keyword_rules
from storage.people import accounts, organisations, people
from storage.routing import rules as routing_rules
from storage.sla import calendars
from storage.sla import policies as sla_policies
from storage.tables.tickets import agents, mailboxes, memberships, teams
from storage.tables.tickets import people as people_table
from usecases.config import singletons
from usecases.rules import automations, macros
from usecases.tickets import custom_fields

_AGENT = ("role", "skills", "weight", "capacity", "calendar_id", "signature")


def current_configuration(session: Session) -> State:
    """The whole state, each kind in the order of its names or positions."""
    return {kind: _without_empty[kind](session) for kind in KINDS}


def _calendars(session: Session) -> dict[str, Entry]:
    return {
        calendar.name: {
            "time_zone": calendar.time_zone,
            "slots": _plain(calendar.slots),
            "holidays": dict(calendar.holidays),
        }
        for calendar in calendars.list_all(session)
    }


def _teams(session: Session) -> dict[str, Entry]:
    names = _calendar_names(session)
    members = _members(session)
    rows = session.execute(sa.select(teams).order_by(teams.c.name))
    return {
        row.name: {
            "private": row.private,
            "strategy": row.strategy,
            "calendar": names.get(row.calendar_id, ""),
            **asdict(read_options(row.routing)),
            "members": sorted(members.get(row.id, ())),
            "signature": row.signature,
            "slack_channel": row.slack_channel,
        }
        for row in rows
    }


def former_agents(session: Session) -> dict[str, Entry]:
    """Agents who left; a file that names one reactivates them with these values."""
    return _agents(session, active=False)


def _agents(session: Session, *, active: bool = True) -> dict[str, Entry]:
    names = _calendar_names(session)
    person = people_table.c
    columns = (person.id, person.address, person.name, *(agents.c[n] for n in _AGENT))
    query = sa.select(*columns).join(agents, agents.c.id == people_table.c.id)
    rows = session.execute(query.where(agents.c.active.is_(active)).order_by(people_table.c.address)).all()
    linked = accounts.accounts_of(session, Channel.SLACK, [row.id for row in rows])
    return {
        row.address: {
            "name": row.name,
            "role": row.role,
            "skills": list(row.skills),
            "weight": row.weight,
            "capacity": row.capacity or 0,
            "calendar": names.get(row.calendar_id, ""),
            "signature": row.signature,
            "slack_user": linked.get(row.id, ""),
        }
        for row in rows
    }


def _mailboxes(session: Session) -> dict[str, Entry]:
    query = sa.select(mailboxes, teams.c.name.label("team")).outerjoin(teams, teams.c.id == mailboxes.c.team_id)
    return {
        row.address: {
            "name": row.name,
            "team": row.team or "",
            "signature": row.signature,
            "imap": dict(row.imap or {}),
        }
        for row in session.execute(query.order_by(mailboxes.c.address))
    }


def _organisations(session: Session) -> dict[str, Entry]:
    return {
        organisation.name: {
            "domains": list(organisation.domains),
            "plan": organisation.plan,
            "shared": organisation.shared,
        }
        for organisation in organisations.list_all(session)
    }


def _categories(session: Session) -> dict[str, Entry]:
    return {
        category.name: {"words": category.words, "active": category.active} for category in categories.list_all(session)
    }


def _fields(session: Session) -> dict[str, Entry]:
    by_name = {field.name: asdict(field) for field in custom_fields.list_all(session)}
    shape = KINDS["field"].fields
    return {name: {key: _plain(_text(row[key])) for key in shape} for name, row in by_name.items()}


def _keyword_rules(session: Session) -> dict[str, Entry]:
    return {
        stored.rule.name: {
            "category": stored.rule.category,
            **{key: list(value) for key, value in stored.rule.words.to_json().items()},
            "hard": stored.rule.hard,
            "position": stored.rule.position,
            "active": stored.active,
        }
        for stored in keyword_rules.list_all(session)
    }


def _routes(session: Session) -> dict[str, Entry]:
    return {
        stored.name: {name: getattr(stored, name) for name in ("conditions", "actions", "position", "active")}
        for stored in routing_rules.list_all(session)
    }


def _slas(session: Session) -> dict[str, Entry]:
    names = _calendar_names(session)
    return {
        policy.name: {
            "conditions": _plain(policy.conditions),
            "targets": dict(policy.targets),
            "calendar": names.get(policy.calendar_id or 0, ""),
            "warn_percent": policy.warn_percent,
            "escalations": _plain(policy.escalations),
            "position": policy.position,
            "active": policy.active,
        }
        for policy in sla_policies.list_all(session)
    }


def _automations(session: Session) -> dict[str, Entry]:
    return {
        stored.rule.name: {
            "when": stored.rule.given.get("when", {}),
            "conditions": _plain(stored.rule.given.get("conditions", [])),
            "actions": stored.rule.given.get("actions", []),
            "position": stored.rule.position,
            "active": stored.active,
        }
        for stored in automations.list_all(session)
    }


def _macros(session: Session) -> dict[str, Entry]:
    """The macros of everybody and of teams; an agent's own are not exported."""
    names = {team.id: team.name for team in people.all_teams(session)}
    shared = [macro for macro in macros.list_all(session) if macro.owner_id is None]
    return {
        macro.name: {
            "text": macro.text,
            "actions": [{action.do: _plain(action.value)} for action in macro.actions],
            "team": names.get(macro.team_id or 0, ""),
        }
        for macro in shared
    }


def _calendar_names(session: Session) -> dict[int, str]:
    return {calendar.id: calendar.name for calendar in calendars.list_all(session)}


def _members(session: Session) -> dict[int, list[str]]:
    query = sa.select(memberships.c.team_id, people_table.c.address)
    by_agent: dict[int, list[str]] = {}
    joined = query.join(people_table, people_table.c.id == memberships.c.agent_id)
    for row in session.execute(joined.join(agents, agents.c.id == people_table.c.id).where(agents.c.active)):
        by_agent.setdefault(row.team_id, []).append(row.address)
    return by_agent


def _plain(value: Any) -> Any:
    """Tuples as lists, mappings as they are, all the way down."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def _text(value: Any) -> Any:
    """A kind of an enumeration as its text."""
    return str(value) if isinstance(value, str) else value


_without_empty: Mapping[str, Callable[[Session], dict[str, Entry]]] = {
    "calendar": _calendars, "team": _teams, "agent": _agents, "mailbox": _mailboxes,
    "organisation": _organisations, "category": _categories, "field": _fields, "keyword_rule": _keyword_rules,
    "route": _routes, "sla": _slas, "automation": _automations, "macro": _macros,
    **{kind: singletons.presenting(kind) for kind in singletons.KINDS},
}  # fmt: skip
