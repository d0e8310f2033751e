"""People, agents, teams and mailboxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.access.permissions import Role, Verb, may
from desk.mail.inbound_request import Party
from storage.db.session import Session, enqueue
from storage.db.statements import insert_ignore, insert_rows, update_rows
from storage.people.addresses import canonical
from storage.tables.runtime import imap_folders
from storage.tables.tickets import agents, mailboxes, memberships, people, teams, tickets


@dataclass(frozen=True, slots=True)
class Person:
    """A person with an address; an agent as well if `role` is set (`desk.access.permissions.Role`)."""

    id: int
    address: str
    name: str = ""
    role: str = ""
    active: bool = False
    key_version: int = 0
    notify: bool = False
    password_hash: str = ""
    vip: bool = False
    link_version: int = 0

    @property
    def is_agent(self) -> bool:
        return bool(self.role) and self.active

    def may(self, verb: Verb) -> bool:
        """Whether this active agent's role allows it."""
        return self.active and may(self.role, verb)


@dataclass(frozen=True, slots=True)
class Team:
    """A team; `slack_channel` is the id of the channel where its tickets have their threads, or empty."""

    id: int
    name: str
    slack_channel: str = ""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address of the desk; `imap` says how it is fetched, if it is (never with a password in it)."""

    id: int
    address: str
    name: str = ""
    team_id: int | None = None
    imap: Mapping[str, Any] | None = None
    signature: str = ""


_PERSON = sa.select(
    people.c.id,
    people.c.address,
    people.c.name,
    people.c.vip,
    people.c.link_version,
    sa.func.coalesce(agents.c.role, "").label("role"),
    sa.func.coalesce(agents.c.active, sa.false()).label("active"),
    sa.func.coalesce(agents.c.key_version, 0).label("key_version"),
    sa.func.coalesce(agents.c.notify, sa.false()).label("notify"),
    sa.func.coalesce(agents.c.password_hash, "").label("password_hash"),
).select_from(people.outerjoin(agents, agents.c.id == people.c.id))


def by_addresses(session: Session, addresses: Iterable[str]) -> dict[str, Person]:
    """The people of those (lower-case) addresses."""
    unique_addresses = sorted(set(addresses))
    if not unique_addresses:
        return {}
    rows = session.execute(_PERSON.where(people.c.address.in_(unique_addresses)))
    return {row.address: Person(**row._mapping) for row in rows}


def by_address(session: Session, address: str) -> Person | None:
    return by_addresses(session, [canonical(address)]).get(canonical(address))


def by_ids(session: Session, ids: Iterable[int]) -> dict[int, Person]:
    unique_ids = sorted(set(ids))
    if not unique_ids:
        return {}
    return {row.id: Person(**row._mapping) for row in session.execute(_PERSON.where(people.c.id.in_(unique_ids)))}


def ensure_people(session: Session, parties: Sequence[Party], now: datetime) -> dict[str, Person]:
    """A person for every party, created where there is none; in sorted order, so that no two workers deadlock."""
    named = {party.address: party for party in sorted(parties, key=lambda p: p.address, reverse=True)}
    persons = by_addresses(session, named)
    missing = [named[address] for address in sorted(named) if address not in persons]
    if missing:
        rows = [{"address": party.address, "name": party.name, "created_at": now} for party in missing]
        insert_rows(session, people, rows, ignore=True)
        persons |= by_addresses(session, [party.address for party in missing])
    return persons | _named(session, persons, named)


def _named(session: Session, persons: dict[str, Person], named: dict[str, Party]) -> dict[str, Person]:
    """Those without a name until now get the name that they give themselves."""
    learnt = [replace(p, name=named[a].name) for a, p in persons.items() if not p.name and named[a].name]
    update_rows(session, people, "id", [{"id": p.id, "name": p.name} for p in sorted(learnt, key=lambda p: p.id)])
    return {person.address: person for person in learnt}


@dataclass(frozen=True, slots=True)
class NewAgent:
    """Who becomes an agent, with which role, password and teams."""

    address: str
    name: str
    role: str
    password_hash: str = ""
    team_ids: Sequence[int] = ()


def add_agent(session: Session, agent: NewAgent, now: datetime) -> Person:
    """Makes the person an agent of those teams; an agent that exists gets the new role, password and teams."""
    address, name = canonical(agent.address), agent.name
    person = ensure_people(session, [Party(address, name)], now)[address]
    values = {"role": agent.role, "active": True, "password_hash": agent.password_hash}
    if person.role:
        session.execute(sa.update(agents).where(agents.c.id == person.id).values(**values))
    else:
        session.execute(sa.insert(agents).values(id=person.id, **values))
    if name:
        session.execute(sa.update(people).where(people.c.id == person.id).values(name=name))
    rows = [{"team_id": team_id, "agent_id": person.id} for team_id in agent.team_ids]
    if rows:
        session.execute(insert_ignore(session, memberships), rows)
    return by_ids(session, [person.id])[person.id]


def set_active(session: Session, agent_id: int, active: bool) -> None:
    """An agent who left: the reply addresses stop working at once, and stay void if the agent comes back.

    What the agent held goes to others.
    """
    values = {"active": active, "key_version": agents.c.key_version + 1}
    session.execute(sa.update(agents).where(agents.c.id == agent_id).values(**values))
    enqueue(session, "reassign", 0)


def set_name(session: Session, person_id: int, name: str) -> None:
    session.execute(sa.update(people).where(people.c.id == person_id).values(name=name))


def set_vip(session: Session, person_id: int, vip: bool) -> None:
    """Marks or unmarks a VIP: new requests of a VIP get one priority higher."""
    session.execute(sa.update(people).where(people.c.id == person_id).values(vip=vip))


def all_agents(session: Session) -> list[Person]:
    return [Person(**row._mapping) for row in session.execute(_PERSON.where(agents.c.role != "").order_by(people.c.id))]


def members(session: Session, team_ids: Iterable[int]) -> dict[int, list[Person]]:
    """The active agents of each team."""
    query = _PERSON.add_columns(memberships.c.team_id).join(memberships, memberships.c.agent_id == people.c.id)
    by_team: dict[int, list[Person]] = {team_id: [] for team_id in team_ids}
    where = (memberships.c.team_id.in_(sorted(by_team)), agents.c.active)
    for row in session.execute(query.where(*where).order_by(people.c.id)) if by_team else ():
        values = dict(row._mapping)
        by_team[values.pop("team_id")].append(Person(**values))
    return by_team


def team_ids_of(session: Session, agent_id: int) -> list[int]:
    """The teams that the agent is a member of."""
    query = sa.select(memberships.c.team_id).where(memberships.c.agent_id == agent_id).order_by(memberships.c.team_id)
    return list(session.execute(query).scalars())


def add_team(session: Session, name: str) -> Team:
    session.execute(insert_ignore(session, teams), {"name": name})
    row = session.execute(sa.select(teams).where(teams.c.name == name)).one()
    return Team(row.id, row.name, row.slack_channel)


def all_teams(session: Session) -> list[Team]:
    return [Team(row.id, row.name, row.slack_channel) for row in session.execute(sa.select(teams).order_by(teams.c.id))]


def set_slack_channel(session: Session, team_id: int, channel: str) -> None:
    """Sets the channel where the team's tickets have their threads."""
    session.execute(sa.update(teams).where(teams.c.id == team_id).values(slack_channel=channel))


def team_named(session: Session, name: str) -> Team | None:
    """The team of that name, in any letter case."""
    row = session.execute(sa.select(teams).where(sa.func.lower(teams.c.name) == name.lower())).first()
    return Team(row.id, row.name, row.slack_channel) if row else None


def add_mailbox(
    session: Session, address: str, name: str, team_id: int | None, imap: Any = None, signature: str | None = None
) -> Mailbox:
    """An address of the desk; one that exists gets the new name, team and fetching, and a new signature if given."""
    address = canonical(address)
    session.execute(insert_ignore(session, mailboxes), {"address": address})
    values = {"name": name, "team_id": team_id, "imap": imap}
    values |= {} if signature is None else {"signature": signature}
    session.execute(sa.update(mailboxes).where(mailboxes.c.address == address).values(**values))
    return next(box for box in all_mailboxes(session) if box.address == address)


def tickets_of_mailbox(session: Session, mailbox_id: int) -> int:
    """How many tickets came through the mailbox."""
    query = sa.select(sa.func.count()).select_from(tickets).where(tickets.c.mailbox_id == mailbox_id)
    return int(session.execute(query).scalar_one())


def remove_mailbox(session: Session, mailbox_id: int) -> None:
    """Removes the mailbox; the caller decides what its tickets still need of it."""
    session.execute(sa.delete(imap_folders).where(imap_folders.c.mailbox_id == mailbox_id))
    session.execute(sa.delete(mailboxes).where(mailboxes.c.id == mailbox_id))


def all_mailboxes(session: Session) -> list[Mailbox]:
    return [Mailbox(**row._mapping) for row in session.execute(sa.select(mailboxes).order_by(mailboxes.c.id))]


def leads_of(session: Session, team_id: int | None) -> list[Person]:
    """The active leads of a team; where it has none, all leads and admins."""
    team = members(session, [team_id])[team_id] if team_id else []
    leads = [member for member in team if member.role == Role.LEAD]
    return leads or [
        member for member in all_agents(session) if member.active and member.role in (Role.LEAD, Role.ADMIN)
    ]
