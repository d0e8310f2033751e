"""An edited or deleted Slack message becomes an event of its ticket, with the text before and after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from desk.mail.states import InboundState
from desk.slack.orders import Kind, Order
from desk.tickets.commands import SLACK, parse
from desk.tickets.ticket import DESK, ActorKind, Message
from storage.db.session import Session
from storage.mail import message_id_index
from storage.mail.inbound import SettledRequest
from storage.tickets import tickets
from usecases.tickets import message_edits
from workers.slack.mentions import with_names


def apply_edit(
    session: Session, inbound_id: int, order: Order, now: datetime, missing: Callable[[str], SettledRequest]
) -> SettledRequest:
    """Applies the edit or deletion; the event has the text before and after."""
    key = f"{order.conversation}#{order.message_id}"
    indexed = message_id_index.find(session, [key]).get(key)
    message = tickets.message(session, indexed.row_id) if indexed is not None and indexed.row_id else None
    if message is None:
        return missing("it is on no ticket")
    if order.kind is Kind.WITHDRAWN:
        done = message_edits.withdraw(session, message, DESK, now)
    else:
        done = message_edits.edit(session, message, _text(session, order, message), message.author, now)
    why = str(order.kind) if done else f"{order.kind}: nothing new"
    return SettledRequest(inbound_id, InboundState.COMMAND, why, message.ticket_id, message.id)


def _text(session: Session, order: Order, message: Message) -> str:
    """The edited text; an agent's without its commands and with people's names, as when it was written."""
    if message.author.kind is not ActorKind.AGENT:
        return order.text
    return with_names(session, order.team, parse(order.text, SLACK)).text
