"""The topic and the custom fields that a form or an API client sent with a request, set on the ticket that it opens.

Each is an event of the ticket. A value whose field was changed or removed since the form was shown is kept in the
history.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from desk.mail.inbound_request import InboundRequest
from desk.tickets import form_fields, properties, transitions
from desk.tickets.events import EventKind
from desk.tickets.fields import BadField, Field, value
from desk.tickets.ticket import Actor, Change, Event, Ticket
from storage.db.session import Session
from usecases.tickets import custom_fields

WHY = "answered in the form"


def has_any(request: InboundRequest) -> bool:
    return form_fields.has_any(request.fields)


def load_fields(session: Session) -> Sequence[Field]:
    return custom_fields.list_all(session)


def fill_fields(ticket: Ticket, request: InboundRequest, asked: Sequence[Field], actor: Actor, at: datetime) -> Change:
    """The ticket with what was answered."""
    topic, answers = form_fields.unpacked(request.fields)
    change = Change(ticket)
    if topic and ticket.category != topic and not (ticket.category or "").startswith(f"{topic} / "):
        change = change.then(transitions.set_category(ticket, topic, actor, at, "chosen in the form"))
    by_name = {one.name: one for one in asked}
    for name, text in answers.items():
        change = change.then(_one(change.ticket, name, text, by_name.get(name), actor, at))
    return change


def _one(ticket: Ticket, name: str, text: str, field: Field | None, actor: Actor, at: datetime) -> Change:
    try:
        if field is None:
            raise BadField(f"there is no field {name!r} any more")
        return properties.set_field(ticket, name, value(field, text), actor, at, WHY)
    except BadField as error:
        lost = Event(ticket.id, at, EventKind.ANSWER_NOT_KEPT, actor, before=name, after=text, why=str(error))
        return Change(ticket, (lost,))
