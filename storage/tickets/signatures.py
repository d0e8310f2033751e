"""The signature below a reply: the agent's own, else the team's, else the mailbox's, with its placeholders filled in.

Only `{desk}` stays, for the sender of the mail to fill in. The signature is stored beside the text of a reply, never
in it, so the categoriser does not learn from it.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from desk.rules.macros import fill
from desk.tickets.ticket import Actor, Message, NotAllowed, Ticket
from storage.db.session import Session
from storage.tables.tickets import agents, mailboxes, teams
from storage.tickets import placeholders

LONGEST = 2_000
REASON = "signature"
"""Under this reason a signature stands among the parts of a message that are not its words."""


def for_reply(session: Session, ticket: Ticket, actor: Actor, now: datetime) -> str:
    """The signature of a reply that is written now; "" where there is none."""
    written = _written(session, ticket, actor)
    if "{" not in written:
        return written
    values = dict(placeholders.placeholder_values(session, ticket, actor, now)) | {"agent": actor.name}
    if "@" in actor.name:
        # Who has no name goes by an address, which no requester shall read: the desk's name stands there.
        values |= dict.fromkeys(("agent", "agent.name", "agent.first_name"), "{desk}")
    return fill(written, values).strip()


def for_message(message: Message) -> str:
    """The signature that was chosen for a stored reply."""
    return "\n".join(part.text for part in message.cut if part.reason == REASON and not message.inbound)


def of_agent(session: Session, agent_id: int) -> str:
    return session.execute(sa.select(agents.c.signature).where(agents.c.id == agent_id)).scalar() or ""


def of_teams(session: Session) -> dict[int, str]:
    return {row.id: row.signature for row in session.execute(sa.select(teams.c.id, teams.c.signature))}


def checked(text: str) -> str:
    """The cleaned text; NotAllowed where it is too long."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    cleaned = "".join(letter for letter in plain if letter.isprintable() or letter == "\n").strip()
    if len(cleaned) > LONGEST:
        raise NotAllowed(f"a signature has at most {LONGEST} characters")
    # The mark above a signature is the letter's; people who know it write it themselves too.
    return cleaned.removeprefix("--\n").removeprefix("-- \n").strip()


def set_agent(session: Session, agent_id: int, text: str) -> str:
    """Stores the agent's own signature; an empty text removes it. Returns the stored text."""
    signature = checked(text)
    session.execute(sa.update(agents).where(agents.c.id == agent_id).values(signature=signature))
    return signature


def set_team(session: Session, team_id: int, text: str) -> str:
    signature = checked(text)
    session.execute(sa.update(teams).where(teams.c.id == team_id).values(signature=signature))
    return signature


def set_mailbox(session: Session, mailbox_id: int, text: str) -> str:
    signature = checked(text)
    session.execute(sa.update(mailboxes).where(mailboxes.c.id == mailbox_id).values(signature=signature))
    return signature


def _written(session: Session, ticket: Ticket, actor: Actor) -> str:
    """One statement: of the agent, of the ticket's team, of its mailbox or, where it has none, of the desk's first."""
    box = sa.select(mailboxes.c.signature).order_by((mailboxes.c.id == (ticket.mailbox_id or 0)).desc(), mailboxes.c.id)
    row = session.execute(
        sa.select(
            sa.select(agents.c.signature).where(agents.c.id == (actor.id or 0)).scalar_subquery(),
            sa.select(teams.c.signature).where(teams.c.id == (ticket.team_id or 0)).scalar_subquery(),
            box.limit(1).scalar_subquery(),
        )
    ).one()
    return next((text for text in row if text), "")
