"""Whether a thread of a channel, such as Slack, belongs to a ticket or to a request that still waits."""

from __future__ import annotations

import json

import sqlalchemy as sa

from desk.mail.states import InboundState
from storage.db.session import Session
from storage.tables.tickets import inbound, tickets


def is_known(session: Session, conversation: str) -> bool:
    """Whether a ticket has this conversation key, or a request with it still waits."""
    # What waits is looked at first: it becomes a ticket in one COMMIT, so one of the two looks must see it.
    return _waits(session, conversation) or _is_a_ticket(session, conversation)


def _waits(session: Session, conversation: str) -> bool:
    """Reads only what waits; the key is found in the request's JSON as `desk.mail.inbound_request` writes it."""
    key = f'"conversation":{json.dumps(conversation, ensure_ascii=False)}'
    channel = conversation.partition(":")[0]
    where = (
        inbound.c.state == InboundState.WAITING,
        inbound.c.channel == channel,
        inbound.c.request.contains(key, autoescape=True),
    )
    return session.execute(sa.select(inbound.c.id).where(*where).limit(1)).scalar() is not None


def _is_a_ticket(session: Session, conversation: str) -> bool:
    where = (tickets.c.conversation == conversation, tickets.c.conversation != "")
    return session.execute(sa.select(tickets.c.id).where(*where).limit(1)).scalar() is not None
