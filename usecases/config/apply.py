"""Applies a configuration: takes the steps from the current state of the desk to the wanted one.

Each kind is stored by its own module, which checks it, so an error anywhere rolls everything back: a dry run is the
real thing, rolled back. Rules that must be tested before they are switched on are tested here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.access.permissions import role_named
from desk.access.visibility import Viewer
from desk.channels import Channel
from desk.config import desk_toml, owner_settings
from desk.config.desk_toml import BadConfiguration, Entry, State, Step
from desk.routing.routing import Strategy, read_options, read_skills
from desk.rules import automations as rules_automations
from desk.rules.keyword_rules import Rule, words_of
from desk.slack.orders import is_account, is_channel
from desk.tickets.fields import Field
from desk.tickets.ticket import NotAllowed
from desk.web.public_address import Network
from storage.db.session import Session
from storage.learning import categories, keyword_rules
from storage.people import accounts, availability, organisations, people
from storage.people.addresses import canonical
from storage.people.organisations import Organisation
from storage.people.people import NewAgent
from storage.routing import rules as routing_rules
from storage.sla import calendars
from storage.sla import policies as sla_policies
from storage.sla.calendars import CalendarRow
from storage.sla.policies import PolicyRow
from storage.tables import desk as desk_tables
from storage.tables.tickets import mailboxes, memberships, teams
from storage.tables.tickets import people as people_table
from storage.tickets import signatures
from usecases.access import membership, staff
from usecases.config import export as configuration_export
from usecases.config import reachability, singletons
from usecases.rules import automations, macros
from usecases.sla import calendars as calendar_removal
from usecases.tickets import custom_fields

_BY_ADDRESS = ("agent", "mailbox")
_SECRETS = frozenset({"password", "token", "client_secret", "refresh_token"})
"""Never written into a file or a row."""


def apply(session: Session, state: State, now: datetime, *, prune: bool = False) -> list[Step]:
    """Takes the steps from the current state to the wanted one; returns them. BadConfiguration where one is refused.

    It is what the machine's owner says; what came over HTTP goes through `apply_from_http`.
    """
    return _apply(session, owner_settings.from_owner(state), now, prune=prune)


def _apply(session: Session, state: State, now: datetime, *, prune: bool) -> list[Step]:
    state = _respelled(state)
    present = configuration_export.current_configuration(session)
    steps = desk_toml.steps(state, present, prune=prune)
    try:
        with staff.ensure_admin_remains(session):
            _take_steps(session, steps, state, present, now)
    except NotAllowed as error:
        raise BadConfiguration(str(error)) from error
    return steps


def _take_steps(session: Session, steps: list[Step], state: State, present: State, now: datetime) -> None:
    had = {**present, "agent": {**configuration_export.former_agents(session), **present["agent"]}}

    def put(step: Step) -> None:
        entry = desk_toml.completed(step.kind, state[step.kind][step.name], had[step.kind].get(step.name))
        _put[step.kind](session, step.name, entry, now)

    for step in steps:
        if step.what != "removed":
            _take_step(step, put)
    for step in reversed(steps):
        if step.what == "removed":
            _take_step(step, lambda s: _remove(session, s, now))


def apply_from_http(
    session: Session, state: State, now: datetime, allowed: Sequence[Network], *, prune: bool = False
) -> list[Step]:
    """The same for what came over HTTP: what only the machine's owner may say stays as it is, or is refused."""
    checked = owner_settings.from_http(state, configuration_export.current_configuration(session), allowed)
    return _apply(session, checked, now, prune=prune)


def warnings(session: Session) -> list[str]:
    """What the configuration, as it is now, will not do: rules that never fire, mailboxes that lack a password."""
    boxes = people.all_mailboxes(session)
    unfinished = (owner_settings.unfinished(box.address, box.imap) for box in boxes)
    return [*reachability.unreachable(session), *filter(None, unfinished)]


def _respelled(state: State) -> State:
    """The state with every address in its canonical form."""
    return {kind: dict(_respelled_one(kind, *entry) for entry in entries.items()) for kind, entries in state.items()}


def _respelled_one(kind: str, name: str, entry: Any) -> tuple[str, Any]:
    if kind == "team" and isinstance(entry.get("members"), list):
        entry = {**entry, "members": [canonical(str(address)) for address in entry["members"]]}
    return (canonical(name) if kind in _BY_ADDRESS else name), entry


def _take_step(step: Step, go: Callable[[Step], None]) -> None:
    try:
        go(step)
    except (ValueError, sa.exc.IntegrityError) as error:
        why = "something still needs it" if isinstance(error, sa.exc.IntegrityError) else str(error)
        place = f"[[{step.kind}]] {step.name!r}" if step.name else f"[{step.kind}]"
        raise BadConfiguration(f"{place}: {why}") from error


def _put_calendar(session: Session, name: str, entry: Entry, _now: datetime) -> None:
    stored = calendars.get_by_name(session, name)
    calendars.save(session, CalendarRow(name, **entry, id=stored.id if stored else 0))


def _refuse_unlike(text: str, fits: Callable[[str], bool], why: str) -> None:
    if text and not fits(text):
        raise BadConfiguration(why)


def _put_team(session: Session, name: str, entry: Entry, now: datetime) -> None:
    team = people.team_named(session, name) or people.add_team(session, name)
    options = read_options({name: entry[name] for name in ("previous", "escalate_minutes")}, "team")
    if entry["strategy"] not in set(Strategy):
        raise BadConfiguration(f"strategy should be one of {', '.join(Strategy)}")
    availability.set_team(
        session, team.id, Strategy(entry["strategy"]), options, _calendar_id(session, entry["calendar"])
    )
    if "signature" in entry:
        signatures.set_team(session, team.id, entry["signature"])
    if "slack_channel" in entry:
        _refuse_unlike(entry["slack_channel"], is_channel, "slack_channel should be an id such as C0123456")
        people.set_slack_channel(session, team.id, entry["slack_channel"])
    if "members" in entry:
        _put_members(session, team.id, [_agent(session, address, name) for address in entry["members"]], now)
    # After its members, who then hear of it once.
    membership.set_private(session, team.id, _acting_viewer(session), now, private=entry["private"])


def _put_members(session: Session, team_id: int, agents: Sequence[people.Person], now: datetime) -> None:
    ids, who = {person.id for person in agents}, _acting_viewer(session)
    for agent in agents:
        membership.join(session, team_id, agent, who, now)
    for agent in people.members(session, [team_id])[team_id]:
        if agent.id not in ids:
            membership.leave(session, team_id, agent, who, now)


def _acting_viewer(session: Session) -> Viewer:
    """Who applies the configuration: the agent or token that sent it, or the file."""
    return membership.acting_actor(session, membership.CONFIGURATION)


def _put_agent(session: Session, address: str, entry: Entry, now: datetime) -> None:
    person = people.by_address(session, address)
    role, who = role_named(entry["role"]), _acting_viewer(session)
    if person is None or not person.role:
        person = people.add_agent(session, NewAgent(address, entry["name"], str(role)), now)
    staff.change_active(session, person, who, now, active=True)
    staff.change_role(session, person, role, who, now)
    people.set_name(session, person.id, entry["name"])
    skills = list(read_skills(entry["skills"]))
    calendar_id = _calendar_id(session, entry["calendar"])
    values = {"skills": skills, "weight": entry["weight"], "capacity": entry["capacity"] or None}
    availability.set_agent(session, person.id, **values, calendar_id=calendar_id)
    if "signature" in entry:
        signatures.set_agent(session, person.id, entry["signature"])
    if "slack_user" in entry:
        _refuse_unlike(entry["slack_user"], is_account, "slack_user should be an account such as slack:T0123:U0456")
        accounts.set_account(session, Channel.SLACK, person.id, entry["slack_user"], now)


def _put_mailbox(session: Session, address: str, entry: Entry, _now: datetime) -> None:
    team = _team(session, entry["team"])
    _refuse_unlike(address.partition("@")[0], str.isascii, "a mailbox has ASCII letters only before the @")
    if all(box.address != address for box in people.all_mailboxes(session)):
        people.add_mailbox(session, address, entry["name"], team)
    values = {"name": entry["name"], "team_id": team}
    values |= {"signature": signatures.checked(entry["signature"])} if "signature" in entry else {}
    if "imap" in entry:
        inline = sorted((set(entry["imap"]) | set(entry["imap"].get("refresh") or ())) & _SECRETS)
        if inline:
            raise BadConfiguration(f"imap.{inline[0]} is a secret: name where it is kept, such as {inline[0]}_env")
        values["imap"] = entry["imap"] or None
    session.execute(sa.update(mailboxes).where(mailboxes.c.address == address).values(**values))


def _put_organisation(session: Session, name: str, entry: Entry, now: datetime) -> None:
    organisations.save(session, Organisation(0, name, tuple(entry["domains"]), entry["plan"], entry["shared"]), now)


def _put_category(session: Session, name: str, entry: Entry, now: datetime) -> None:
    categories.save(session, name, entry["words"], now, active=entry["active"])


def _put_field(session: Session, name: str, entry: Entry, _now: datetime) -> None:
    custom_fields.save(session, Field(name=name, **entry))


def _put_keyword_rule(session: Session, name: str, entry: Entry, now: datetime) -> None:
    words = words_of(entry["all"], entry["any"], entry["none"])
    keyword_rules.save(session, Rule(name, entry["category"], words, entry["hard"], entry["position"]), now)
    stored = keyword_rules.get(session, name)
    if entry["active"] and stored is not None:
        keyword_rules.run_test(session, stored, now)
        tested = keyword_rules.get(session, name)
        assert tested is not None
        keyword_rules.set_active(session, tested, on=True)


def _put_route(session: Session, name: str, entry: Entry, _now: datetime) -> None:
    routing_rules.save(session, name, **entry)


def _put_sla(session: Session, name: str, entry: Entry, _now: datetime) -> None:
    stored = sla_policies.get_by_name(session, name)
    values = {key: value for key, value in entry.items() if key != "calendar"}
    calendar_id = _calendar_id(session, entry["calendar"])
    sla_policies.save(session, PolicyRow(name, **values, calendar_id=calendar_id, id=stored.id if stored else 0))


def _put_automation(session: Session, name: str, entry: Entry, now: datetime) -> None:
    rule_entry = {key: value for key, value in entry.items() if key != "active"}
    automations.save(session, rules_automations.read({"name": name, **rule_entry}), now)
    stored = automations.get(session, name)
    assert stored is not None
    if entry["active"] and not stored.active:
        automations.try_automation(session, stored, now)
        stored = automations.get(session, name) or stored
    automations.set_active(session, stored, on=entry["active"])


def _put_macro(session: Session, name: str, entry: Entry, _now: datetime) -> None:
    for macro in macros.list_all(session):
        if macro.owner_id is None and macro.name == name:
            macros.remove(session, macro.id)
    macros.save(session, name, entry["text"], entry["actions"], team_id=_team(session, entry["team"]))


def _remove(session: Session, step: Step, now: datetime) -> None:
    match step.kind:
        case "agent":
            agent = _agent(session, step.name, "agent")
            staff.change_active(session, agent, _acting_viewer(session), now, active=False)
        case "category":
            raise BadConfiguration("a category is retired with active = false, since tickets still name it")
        case "keyword_rule" | "automation":
            keeper: Any = keyword_rules if step.kind == "keyword_rule" else automations
            keeper.remove(session, keeper.get(session, step.name))
        case "calendar":
            calendar = calendars.get_by_name(session, step.name)
            if calendar is not None:
                calendar_removal.remove(session, calendar)
        case "field":
            custom_fields.remove(session, step.name)
        case "macro":
            for macro in macros.list_all(session):
                if macro.owner_id is None and macro.name == step.name:
                    macros.remove(session, macro.id)
        case "organisation":
            organisation = organisations.get_by_name(session, step.name)
            number = organisation.id if organisation else 0
            left = sa.update(people_table).where(people_table.c.organisation_id == number)
            session.execute(left.values(organisation_id=None))
            session.execute(sa.delete(desk_tables.organisations).where(desk_tables.organisations.c.id == number))
        case _:
            _remove_row(session, step)


def _remove_row(session: Session, step: Step) -> None:
    tables: dict[str, tuple[Any, str]] = {
        "team": (teams, "name"),
        "mailbox": (mailboxes, "address"),
        "route": (desk_tables.routing_rules, "name"),
        "sla": (desk_tables.sla_policies, "name"),
    }
    table, key = tables[step.kind]
    if step.kind == "team":
        team = people.team_named(session, step.name)
        session.execute(sa.delete(memberships).where(memberships.c.team_id == (team.id if team else 0)))
    session.execute(sa.delete(table).where(table.c[key] == step.name))


def _calendar_id(session: Session, name: str) -> int | None:
    if not name:
        return None
    calendar = calendars.get_by_name(session, name)
    if calendar is None:
        raise BadConfiguration(f"there is no calendar {name!r}")
    return calendar.id


def _team(session: Session, name: str) -> int | None:
    if not name:
        return None
    team = people.team_named(session, name)
    if team is None:
        raise BadConfiguration(f"there is no team {name!r}")
    return team.id


def _agent(session: Session, address: str, place: str) -> people.Person:
    person = people.by_address(session, str(address))
    if person is None or not person.is_agent:
        raise NotAllowed(f"{place}: there is no agent {address!r}")
    return person


_put: Mapping[str, Callable[[Session, str, Entry, datetime], None]] = {
    "calendar": _put_calendar, "team": _put_team, "agent": _put_agent, "mailbox": _put_mailbox,
    "organisation": _put_organisation, "category": _put_category, "field": _put_field,
    "keyword_rule": _put_keyword_rule, "route": _put_route, "sla": _put_sla, "automation": _put_automation,
    "macro": _put_macro, **{kind: singletons.putting(kind) for kind in singletons.KINDS},
}  # fmt: skip
