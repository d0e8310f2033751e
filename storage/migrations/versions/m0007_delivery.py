"""Delivery: a row for each recipient, a flag for answers that did not arrive, one spelling for every address."""

from __future__ import annotations

import unicodedata
from typing import Any

import idna
import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ADDRESSES = (("people", "address"), ("mailboxes", "address"), ("outbound", "recipient"), ("messages", "author_address"))
OUTBOUND = sa.table(
    "outbound",
    *(sa.column(name) for name in ("id", "dedupe_key", "transport", "kind", "ticket_id", "message_id", "recipient")),
    *(sa.column(name) for name in ("external_id", "state", "reason", "attempts", "next_at", "created_at", "raw")),
    sa.column("content", sa.JSON),
)


def upgrade() -> None:
    op.add_column("tickets", sa.Column("undelivered_at", sa.DateTime(timezone=True), nullable=True))
    there = sa.text("undelivered_at IS NOT NULL")
    op.create_index("ix_tickets_undelivered", "tickets", ["undelivered_at"], sqlite_where=there, postgresql_where=there)
    for table, column in ADDRESSES:
        _respell(table, column)
    _respell_participants()
    _split_waiting()


def canonical(address: str) -> str:
    """The domain as DNS has it."""
    local, at, domain = address.lower().rpartition("@")
    try:
        return f"{unicodedata.normalize('NFC', local)}{at}{idna.encode(unicodedata.normalize('NFC', domain)).decode()}"
    except (idna.IDNAError, UnicodeError):
        return address


def _respell(table: str, column: str) -> None:
    """Where the other spelling has a row of its own already, both stay: nobody's tickets move by themselves."""
    rows, bind = sa.table(table, sa.column("id"), sa.column(column)), op.get_bind()
    unique = table in ("people", "mailboxes")
    for row in bind.execute(sa.select(rows.c.id, rows.c[column]).where(_is_wide(rows.c[column]))).all():
        new = canonical(row[1])
        taken = sa.select(rows.c.id).where(rows.c[column] == new)
        if new != row[1] and not (unique and bind.execute(taken).first()):
            bind.execute(sa.update(rows).where(rows.c.id == row[0]).values({column: new}))


def _respell_participants() -> None:
    rows, bind = sa.table("participants", *map(sa.column, ("ticket_id", "address", "role"))), op.get_bind()
    for ticket_id, address, role in bind.execute(sa.select(rows).where(_is_wide(rows.c.address))).all():
        new = canonical(address)
        if new == address:
            continue
        same = (rows.c.ticket_id == ticket_id, rows.c.address == new)
        if not bind.execute(sa.select(rows.c.role).where(*same)).first():
            bind.execute(sa.insert(rows).values(ticket_id=ticket_id, address=new, role=role))
        bind.execute(sa.delete(rows).where(rows.c.ticket_id == ticket_id, rows.c.address == address))


def _is_wide(column: Any) -> sa.ColumnElement[bool]:
    """Octets beyond ASCII: the text is longer in octets than in letters."""
    if op.get_bind().dialect.name == "postgresql":
        return sa.func.octet_length(column) > sa.func.char_length(column)
    return sa.func.length(sa.cast(column, sa.LargeBinary)) > sa.func.length(column)


def _split_waiting() -> None:
    """Mail that waits to be sent and has people in copy: a row for each of them."""
    c, bind = OUTBOUND.c, op.get_bind()
    waiting = (c.state.in_(("queued", "sending")), c.transport == "mail", c.kind.in_(("reply", "side")))
    for row in bind.execute(sa.select(*(column for column in c if column.name != "id")).where(*waiting)).all():
        values = dict(row._mapping)
        copies = [one for one in dict.fromkeys(values["content"].get("cc") or ()) if one != values["recipient"]]
        content = values["content"] | {"to": values["recipient"]}
        for address in copies:
            copy = {"kind": "copy", "recipient": address, "dedupe_key": f"{values['dedupe_key']}:{address}"}
            bind.execute(sa.insert(OUTBOUND).values(values | copy | {"content": content}))
