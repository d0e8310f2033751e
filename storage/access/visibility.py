"""Conditions that limit every listing, search, count and download to what the session's viewer may see.

The request context sets `session.viewer`; the desk itself sees everything, and then there is no condition. The rule
itself is in `desk/access/visibility.py`; no other module of the store decides who may see a ticket.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.access import visibility
from desk.access.permissions import Verb, may
from desk.access.visibility import OPENED_FOR, Viewer
from desk.tickets.event_data import Transfer
from desk.tickets.events import EventKind
from desk.tickets.ticket import Event, NotAllowed
from storage.db.session import Session
from storage.tables.learning import incident_reports, incident_tickets
from storage.tables.people import audit
from storage.tables.tickets import agents, mailboxes, memberships, participants, people, teams, tickets

OPENED_ANYWAY = EventKind.OPENED_ANYWAY
"""What the audit calls it when an admin opens a private ticket without being a member."""

Condition = sa.ColumnElement[bool]


def viewer_of(
    session: Session, agent_id: int, name: str, role: str, now: datetime, *, admins_see_private: bool = False
) -> Viewer:
    """The viewer for an agent at this moment (or for nobody: id 0, a token)."""
    mine = sa.and_(memberships.c.team_id == teams.c.id, memberships.c.agent_id == agent_id)
    query = sa.select(teams.c.id, memberships.c.agent_id).outerjoin(memberships, mine).where(teams.c.private)
    private = {row.id: row.agent_id is not None for row in session.execute(query)}
    opened = _opened_tickets(session, agent_id, now) if may(role, Verb.OPEN_PRIVATE) and private else ()
    return visibility.viewer(
        agent_id or None, name, role, private, admins_see_private=admins_see_private, opened=opened
    )


@contextmanager
def reading_as(session: Session, viewer: Viewer) -> Iterator[None]:
    """Within the block the session reads as that viewer."""
    before, session.viewer = session.viewer, viewer
    try:
        yield
    finally:
        session.viewer = before


def set_private(session: Session, team_id: int, *, private: bool) -> None:
    """Makes the team's tickets visible to its members only, or to everybody."""
    session.execute(sa.update(teams).where(teams.c.id == team_id).values(private=private))
    if private:
        for table in (incident_tickets, incident_reports):
            theirs = sa.select(tickets.c.id).where(tickets.c.team_id == team_id)
            session.execute(sa.delete(table).where(table.c.ticket_id.in_(theirs)))


def private_teams(session: Session) -> frozenset[int]:
    return frozenset(session.execute(sa.select(teams.c.id).where(teams.c.private)).scalars())


def ticket_condition(session: Session) -> list[Condition]:
    """The condition for queries on the table of tickets."""
    return team_condition(session, tickets.c.team_id, tickets.c.id)


def team_condition(
    session: Session, team_id: sa.ColumnElement[Any], ticket_id: sa.ColumnElement[Any] | None = None
) -> list[Condition]:
    """The condition for any table with a ticket's team; private tickets opened by an outsider are in no sum."""
    viewer = session.viewer
    if not viewer.hidden:
        return []
    shown = sa.or_(team_id.is_(None), team_id.not_in(sorted(viewer.hidden)))
    return [sa.or_(shown, ticket_id.in_(sorted(viewer.opened))) if viewer.opened and ticket_id is not None else shown]


def ticket_id_condition(session: Session, ticket_id: sa.ColumnElement[Any]) -> list[Condition]:
    """The condition for tables that only name a ticket; rows that name none are visible."""
    viewer = session.viewer
    if not viewer.hidden:
        return []
    theirs = tickets.alias("theirs")
    where: list[Condition] = [theirs.c.id == ticket_id, theirs.c.team_id.in_(sorted(viewer.hidden))]
    if viewer.opened:
        where.append(theirs.c.id.not_in(sorted(viewer.opened)))
    return [~sa.exists(sa.select(sa.literal(1)).select_from(theirs).where(*where))]


def text_condition(session: Session, ticket_id: str) -> str:
    """The same condition for statements written as text; `ticket_id` is a column's name."""
    viewer = session.viewer
    if not viewer.hidden:
        return ""
    numbers = ", ".join(str(int(number)) for number in sorted(viewer.hidden))
    opened = ", ".join(str(int(number)) for number in sorted(viewer.opened))
    but = f" AND theirs.id NOT IN ({opened})" if opened else ""
    inner = f"SELECT 1 FROM tickets theirs WHERE theirs.id = {ticket_id} AND theirs.team_id IN ({numbers}){but}"
    return f" AND NOT EXISTS ({inner})"


def public_condition(team_id: sa.ColumnElement[Any]) -> Condition:
    """The condition for what everybody sees, such as incidents and suggestions: no private tickets."""
    return sa.or_(team_id.is_(None), team_id.not_in(sa.select(teams.c.id).where(teams.c.private)))


def mailbox_condition(session: Session, *columns: sa.ColumnElement[Any]) -> list[Condition]:
    """The condition for mail on no ticket.

    Leaves out what was sent to the mailbox of a private team (with or without a reply token).
    """
    if not session.viewer.hidden:
        return []
    where = mailboxes.c.team_id.in_(sorted(session.viewer.hidden))
    addresses = list(session.execute(sa.select(mailboxes.c.address).where(where)).scalars())
    mailbox_conditions: list[Condition] = []
    for address in addresses:
        local, _, domain = address.rpartition("@")
        for column in columns:
            mentions = sa.func.lower(sa.cast(column, sa.Text))
            mailbox_conditions += [
                ~mentions.contains(address, autoescape=True),
                ~mentions.like(f"%{_plain(local)}+%@{_plain(domain)}%", escape="/"),
            ]
    return mailbox_conditions


def hidden_tickets(session: Session, ids: Iterable[int]) -> set[int]:
    """Those of the tickets that the viewer may not see."""
    unique_ids = sorted(set(ids))
    if not session.viewer.hidden or not unique_ids:
        return set()
    query = sa.select(tickets.c.id).where(
        tickets.c.id.in_(unique_ids), tickets.c.team_id.in_(sorted(session.viewer.hidden))
    )
    return set(session.execute(query).scalars()) - session.viewer.opened


def may_read(session: Session, ticket_id: int) -> bool:
    """Whether the viewer may read the ticket; reading a private ticket is noted for the audit log."""
    viewer = session.viewer
    if not viewer.audited:
        return True
    of_team = session.execute(sa.select(tickets.c.team_id).where(tickets.c.id == ticket_id)).scalar()
    if not viewer.sees(ticket_id, of_team):
        return False
    if of_team in viewer.audited:
        session.reads[ticket_id] = of_team
    return True


def check_merge(session: Session, team_id: int | None, into: int | None) -> None:
    """Raises NotAllowed for a merge of a private ticket with one that is not private."""
    if team_id != into and not private_teams(session).isdisjoint((team_id, into)):
        raise NotAllowed("one of the two is of a private team: give both to the same team first")


def may_merge(session: Session, ids: Iterable[int]) -> bool:
    """Whether these tickets are all of the same private team, or none is of any."""
    query = sa.select(tickets.c.team_id).where(tickets.c.id.in_(sorted(set(ids))))
    team_ids = set(session.execute(query).scalars())
    return len(team_ids) < 2 or private_teams(session).isdisjoint(team_ids)


def private_tickets(session: Session, ids: Iterable[int]) -> set[int]:
    """Those of the tickets that belong to private teams."""
    joined = tickets.join(teams, sa.and_(teams.c.id == tickets.c.team_id, teams.c.private))
    query = sa.select(tickets.c.id).select_from(joined).where(tickets.c.id.in_(sorted(set(ids))))
    return set(session.execute(query).scalars())


def outsiders(session: Session, messages: Iterable[tuple[int, str]]) -> set[tuple[int, str]]:
    """Those (ticket, address) pairs where the ticket is private, and the address belongs to an agent who is neither a
    member nor takes part in it.
    """
    pairs = set(messages)
    joined = tickets.join(teams, sa.and_(teams.c.id == tickets.c.team_id, teams.c.private))
    query = sa.select(tickets.c.id, tickets.c.team_id).select_from(joined)
    numbers = sorted({number for number, _ in pairs})
    of_team = {row.id: row.team_id for row in session.execute(query.where(tickets.c.id.in_(numbers)))} if pairs else {}
    return {
        (number, to) for number, to in pairs if number in of_team and _is_outside(session, number, of_team[number], to)
    }


def _is_outside(session: Session, ticket_id: int, team_id: int, address: str) -> bool:
    member = sa.exists().where(memberships.c.team_id == team_id, memberships.c.agent_id == people.c.id)
    takes_part = sa.exists().where(participants.c.ticket_id == ticket_id, participants.c.address == people.c.address)
    joined = people.join(agents, agents.c.id == people.c.id)
    query = sa.select(people.c.id).select_from(joined).where(people.c.address == address, ~member, ~takes_part)
    return session.execute(query).scalar() is not None


def mark_privacy_changes(session: Session, happened: Sequence[Event]) -> list[Event]:
    """The events; one that moves a ticket into or out of a private team is marked, and the ticket leaves its
    incidents.
    """
    if not any(event.kind == EventKind.TEAM_CHANGED for event in happened):
        return list(happened)
    private = private_teams(session)
    private_ids = {
        event.ticket_id
        for event in happened
        if event.kind == EventKind.TEAM_CHANGED and event.data_as(Transfer).to_id in private
    }
    leave_incidents(session, private_ids)
    return [
        _with_privacy_change(event, private) if event.kind == EventKind.TEAM_CHANGED else event for event in happened
    ]


def leave_incidents(session: Session, ids: Iterable[int]) -> None:
    """Removes tickets from incidents: everybody sees incidents, so no private ticket may be in one."""
    for table in (incident_tickets, incident_reports):
        session.execute(sa.delete(table).where(table.c.ticket_id.in_(sorted(set(ids)))))


def _with_privacy_change(event: Event, private: frozenset[int]) -> Event:
    transfer = event.data_as(Transfer)
    what = visibility.moved(private, transfer.from_id, transfer.to_id)
    return replace(event, why="; ".join(filter(None, (event.why, what)))) if what else event


def _opened_tickets(session: Session, agent_id: int, now: datetime) -> list[int]:
    where = (audit.c.agent_id == agent_id, audit.c.what == OPENED_ANYWAY, audit.c.at > now - OPENED_FOR)
    return list(session.execute(sa.select(audit.c.ticket_id).where(*where)).scalars())


def _plain(text: str) -> str:
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")
