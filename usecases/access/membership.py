"""Members of teams, and private teams: each change is audited, and the members of a private team are notified.

An agent who leaves a private team, or is no member when it becomes private, owns none of its tickets any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from desk.access.visibility import EVERYBODY, Viewer
from desk.mail.content import MailContent
from desk.mail.states import OutboundKind
from desk.tickets import transitions
from desk.tickets.ticket import DESK
from storage.access import audit, visibility
from storage.access.audit import Action
from storage.db.session import Session
from storage.mail import outbound
from storage.mail.outbound_message import OutboundMessage
from storage.people import availability, people
from storage.people.people import Person
from storage.tables.tickets import memberships, teams
from storage.tables.tickets import tickets as ticket_rows
from storage.tickets import tickets

JOINED, LEFT = "joined_team", "left_team"
MADE_PRIVATE, MADE_PUBLIC = "team_made_private", "team_made_public"
KIND = OutboundKind.TEAM
"""What outbound calls the notice about a private team."""
COMMAND_LINE = Viewer(name="command line")
CONFIGURATION = Viewer(name="a configuration")


def acting_actor(session: Session, otherwise: Viewer) -> Viewer:
    """The actor of this session; the desk itself acts as `otherwise`."""
    return session.viewer if session.viewer.name else otherwise


def join(session: Session, team_id: int, agent: Person, who: Viewer, now: datetime) -> None:
    """Makes the agent a member; a second time changes nothing."""
    if _is_member(session, team_id, agent.id):
        return
    before = _members(session, team_id)
    availability.add_member(session, team_id, agent.id)
    text = f"{_name(agent)} was added to the private team"
    change = _TeamChange(team_id, JOINED, text, who, now, agent)
    _audit_and_notify(session, change, [*before, agent] if _is_private(session, team_id) else [])


def leave(session: Session, team_id: int, agent: Person, who: Viewer, now: datetime) -> None:
    """Removes the agent from the team."""
    if not _is_member(session, team_id, agent.id):
        return
    before = _members(session, team_id)
    availability.remove_member(session, team_id, agent.id)
    text = f"{_name(agent)} was taken out of the private team"
    change = _TeamChange(team_id, LEFT, text, who, now, agent)
    _audit_and_notify(session, change, before if _is_private(session, team_id) else [])
    _free_tickets_of_outsiders(session, team_id, now)


def set_private(session: Session, team_id: int, who: Viewer, now: datetime, *, private: bool) -> None:
    """Makes the team's tickets visible to its members only, or to everybody."""
    if _is_private(session, team_id) is private:
        return
    visibility.set_private(session, team_id, private=private)
    what = MADE_PRIVATE if private else MADE_PUBLIC
    text = (
        "Only members see the tickets of this team from now on" if private else "Everybody sees the tickets from now on"
    )
    _audit_and_notify(session, _TeamChange(team_id, what, text, who, now), _members(session, team_id))
    _free_tickets_of_outsiders(session, team_id, now)


@dataclass(frozen=True, slots=True)
class _TeamChange:
    """What somebody did to a team: for the audit (`what`), in a sentence, and to which member."""

    team_id: int
    what: str
    text: str
    who: Viewer
    now: datetime
    agent: Person | None = None


def _audit_and_notify(session: Session, change: _TeamChange, audience: Iterable[Person]) -> None:
    agent = change.agent
    data = {"member_id": agent.id, "member": agent.address} if agent else {}
    action = Action(change.what, change.now, team_id=change.team_id, data=data)
    number = audit.record(session, change.who, action)
    notices = _notices(session, change.team_id, number, f"{change.text}: {change.who.name}", audience)
    outbound.store(session, notices, change.now)


def _is_private(session: Session, team_id: int) -> bool:
    return team_id in visibility.private_teams(session)


def _notices(
    session: Session, team_id: int, number: int, text: str, audience: Iterable[Person]
) -> list[OutboundMessage]:
    """One notice for each member; an answer goes to the mailbox like any mail."""
    name = session.execute(sa.select(teams.c.name).where(teams.c.id == team_id)).scalar_one()
    boxes = people.all_mailboxes(session)
    box = next((box for box in boxes if box.team_id == team_id), boxes[0] if boxes else None)
    if box is None:
        return []
    recipients = {member.id: member for member in audience if member.active and member.notify}
    return [_notice(box, name, number, text, member) for _, member in sorted(recipients.items())]


def _notice(box: people.Mailbox, team: str, number: int, text: str, agent: Person) -> OutboundMessage:
    key = f"{KIND}:{number}:{agent.id}"
    what, _, who = text.rpartition(": ")
    content = MailContent(
        mailbox=box.address,
        from_name=box.name,
        to=agent.address,
        to_name=agent.name,
        reply_to=box.address,
        subject=f"Private team {team}: {what[:1].lower()}{what[1:]}",
        text=f"{what}.\n\nTeam: {team}\nDone by: {who}\n\nThe audit of the desk has it too.\n",
        automatic=True,
    )
    unique = hashlib.sha256(f"{key}:{agent.address}".encode()).hexdigest()[:20]
    # Not one of our signed Message-IDs: an answer to it belongs to no ticket.
    return OutboundMessage(key, KIND, agent.address, f"team.{unique}@{box.address.rpartition('@')[2]}", content)


def _free_tickets_of_outsiders(session: Session, team_id: int, now: datetime) -> None:
    """Unassigns the tickets of a private team that agents outside of it own."""
    if not _is_private(session, team_id):
        return
    c = ticket_rows.c
    inside = sa.select(memberships.c.agent_id).where(memberships.c.team_id == team_id)
    where = (c.team_id == team_id, c.assignee_id.is_not(None), c.assignee_id.not_in(inside), c.merged_into.is_(None))
    with visibility.reading_as(session, EVERYBODY):
        owned = tickets.get_many(session, session.execute(sa.select(c.id).where(*where)).scalars(), lock=True)
        for ticket in owned.values():
            change = transitions.assign(ticket, None, "", DESK, now, "its owner is not in the private team")
            tickets.save(session, change)


def _is_member(session: Session, team_id: int, agent_id: int) -> bool:
    where = (memberships.c.team_id == team_id, memberships.c.agent_id == agent_id)
    return session.execute(sa.select(memberships.c.agent_id).where(*where)).scalar() is not None


def _members(session: Session, team_id: int) -> list[Person]:
    return people.members(session, [team_id])[team_id]


def _name(agent: Person) -> str:
    return agent.name or agent.address
