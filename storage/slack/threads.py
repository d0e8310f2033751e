"""Slack threads in which agents work on tickets, and which agent a Slack account belongs to.

A thread belongs to one ticket; a ticket may have one in the channel of each team that had it.
"""

from __future__ import annotations

import sqlalchemy as sa

from desk.channels import Channel
from desk.slack.orders import Order, is_other_workspace
from storage.db.session import Session
from storage.db.statements import insert_ignore
from storage.people import accounts, availability, people
from storage.people.people import Person
from storage.runtime import key_values
from storage.tables.runtime import slack_threads

_c = slack_threads.c
_CODES = "slack_code_used:"
"""Where it is kept until when the newest code that an agent used was good."""


def ticket_of(session: Session, channel: str, thread_ts: str) -> int | None:
    """The ticket of that thread."""
    query = sa.select(_c.ticket_id).where(_c.channel == channel, _c.thread_ts == thread_ts)
    return session.execute(query).scalar()


def thread_of(session: Session, ticket_id: int, channel: str) -> str:
    """The ticket's thread in that channel; empty while it has none."""
    query = sa.select(_c.thread_ts).where(_c.ticket_id == ticket_id, _c.channel == channel)
    return session.execute(query.order_by(_c.thread_ts).limit(1)).scalar() or ""


def add(session: Session, ticket_id: int, channel: str, thread_ts: str) -> None:
    row = {"ticket_id": ticket_id, "channel": channel, "thread_ts": thread_ts}
    session.execute(insert_ignore(session, slack_threads).values(**row))


def use_linking_code(session: Session, agent_id: int, until: int) -> bool:
    """Whether a linking code of that age may be used; afterwards neither it nor an older one may."""
    availability.lock(session, (), (agent_id,))
    key = f"{_CODES}{agent_id}"
    if until <= (key_values.get(session, key) or 0):
        return False
    key_values.put(session, key, until)
    return True


def agent_of(session: Session, order: Order, *, by_email: bool) -> Person | None:
    """The active agent whose linked account did this; None for guests, strangers and everybody else.

    Never by a name. By the address only if the desk wants that, Slack has confirmed it, and the agent has no account.
    """
    if is_other_workspace(order) or order.guest or order.unknown:
        return None
    agent = accounts.person_of(session, Channel.SLACK, order.account)
    if agent is None and by_email and order.email:
        person = people.by_address(session, order.email)
        agent = person if person is not None and not accounts.account_of(session, Channel.SLACK, person.id) else None
    return agent if agent is not None and agent.is_agent else None
