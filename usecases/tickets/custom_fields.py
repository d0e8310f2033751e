"""The desk's custom fields, and which required ones a ticket lacks."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.tickets import fields, properties
from desk.tickets.fields import BadField, Field, Unfilled
from desk.tickets.ticket import DONE, Actor, Change, Ticket
from storage.db.session import Session
from storage.db.statements import upsert
from storage.tables.desk import custom_fields

_COLUMNS = [custom_fields.c[name] for name in Field.__dataclass_fields__]


def list_all(session: Session) -> list[Field]:
    query = sa.select(*_COLUMNS).order_by(custom_fields.c.position, custom_fields.c.id)
    return [fields.read(dict(row._mapping)) for row in session.execute(query)]


def save(session: Session, field: Field) -> Field:
    """Stores a new field, or changes the one with this name. Values on tickets stay."""
    checked = fields.read(asdict(field))
    row: dict[str, Any] = asdict(checked) | {"kind": str(checked.kind)}
    row |= {"choices": list(checked.choices), "categories": list(checked.categories)}
    upsert(session, custom_fields, ("name",), row)
    return checked


def remove(session: Session, name: str) -> bool:
    """Removes the field; values on tickets stay in their history."""
    return session.execute(sa.delete(custom_fields).where(custom_fields.c.name == name)).rowcount == 1


def fill_field(session: Session, ticket: Ticket, name: str, value: Any, actor: Actor, at: datetime) -> Change:
    """The change that puts a checked value into a field."""
    field = next((candidate for candidate in list_all(session) if candidate.name == name), None)
    if field is None:
        raise BadField(f"there is no field {name!r}")
    return properties.set_field(ticket, name, fields.value(field, value), actor, at)


def refuse_unfilled(session: Session, ticket: Ticket) -> None:
    """Raises Unfilled if the ticket cannot be resolved because a required field is empty."""
    empty = fields.missing(list_all(session), ticket)
    if empty:
        raise Unfilled(empty)


def refuse_unfilled_end(session: Session, before: Ticket, change: Change) -> Change:
    """The change; Unfilled if it ends a ticket that is not ready. What was resolved already may be closed."""
    if change.ticket.status in DONE and before.status not in DONE:
        refuse_unfilled(session, change.ticket)
    return change
