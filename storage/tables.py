"""The tables: every row that outlives a process, in one place. Names are the field's words; times are UTC.

Migrations in `migrations/` make them; a test holds the two against each other on both databases.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UTCDateTime(TypeDecorator[datetime]):
    """A moment: timestamptz on PostgreSQL, UTC text on SQLite; always aware, always UTC in Python."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _id() -> sa.Column[int]:
    return sa.Column("id", BigId, sa.Identity(always=False), primary_key=True)


def _ref(name: str, target: str, **options: Any) -> sa.Column[int]:
    return sa.Column(name, BigId, sa.ForeignKey(target), **options)


def _text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="", **options)


def _json(name: str, default: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON, nullable=False, server_default=default)


def _at(name: str, **options: Any) -> sa.Column[datetime]:
    return sa.Column(name, UTCDateTime, **options)


_AUTOINCREMENT: dict[str, Any] = {"sqlite_autoincrement": True}

teams = sa.Table("teams", metadata, _id(), sa.Column("name", sa.Text, nullable=False, unique=True), **_AUTOINCREMENT)

mailboxes = sa.Table(
    "mailboxes",
    metadata,
    _id(),
    sa.Column("address", sa.Text, nullable=False, unique=True),
    _text("name"),
    _ref("team_id", "teams.id"),
    _json("imap", "null"),
    _text("signature"),
    **_AUTOINCREMENT,
)

imap_folders = sa.Table(
    "imap_folders",
    metadata,
    _ref("mailbox_id", "mailboxes.id", primary_key=True),
    sa.Column("folder", sa.Text, primary_key=True),
    sa.Column("uidvalidity", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("last_uid", sa.BigInteger, nullable=False, server_default="0"),
    _at("last_good_at"),
    _at("failing_since"),
    _text("error"),
    sa.Column("lag_seconds", sa.Float),
)

people = sa.Table(
    "people",
    metadata,
    _id(),
    sa.Column("address", sa.Text, nullable=False, unique=True),
    _text("name"),
    _text("slack_user", index=True),
    _at("created_at", nullable=False),
    **_AUTOINCREMENT,
)

agents = sa.Table(
    "agents",
    metadata,
    sa.Column("id", BigId, sa.ForeignKey("people.id"), primary_key=True, autoincrement=False),
    sa.Column("role", sa.Text, nullable=False, server_default="agent"),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
    _text("password_hash"),
    sa.Column("key_version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("notify", sa.Boolean, nullable=False, server_default=sa.true()),
)

memberships = sa.Table(
    "memberships",
    metadata,
    _ref("team_id", "teams.id", primary_key=True),
    _ref("agent_id", "agents.id", primary_key=True, index=True),
)

inbound = sa.Table(
    "inbound",
    metadata,
    _id(),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    _text("external_id"),
    sa.Column("content_hash", sa.Text, nullable=False),
    _at("received_at", nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    _text("reason"),
    _text("request"),
    _json("envelope", "{}"),
    _text("raw"),
    sa.Column("size", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("repeats", sa.Integer, nullable=False, server_default="0"),
    sa.Column("suspect", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("ticket_id", BigId),
    sa.Column("message_id", BigId),
    _at("settled_at"),
    sa.UniqueConstraint("content_hash", "external_id", "source", "channel"),
    sa.Index(
        "ix_inbound_waiting",
        "id",
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    ),
    sa.Index(
        "ix_inbound_aside",
        "id",
        sqlite_where=sa.text("state in ('quarantined', 'refused', 'releasing')"),
        postgresql_where=sa.text("state in ('quarantined', 'refused', 'releasing')"),
    ),
    **_AUTOINCREMENT,
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("inbound_id", BigId),
    _at("created_at", nullable=False),
)

blobs = sa.Table(
    "blobs",
    metadata,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("data", sa.LargeBinary),
    _at("created_at", nullable=False),
)

tickets = sa.Table(
    "tickets",
    metadata,
    _id(),
    _text("subject"),
    _ref("requester_id", "people.id", nullable=False, index=True),
    _at("created_at", nullable=False),
    _at("updated_at", nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("priority", sa.Text, nullable=False),
    sa.Column("category", sa.Text),
    _ref("team_id", "teams.id"),
    _ref("assignee_id", "agents.id", index=True),
    _ref("mailbox_id", "mailboxes.id"),
    _text("channel"),
    _text("conversation"),
    _json("tags", "[]"),
    sa.Column("merged_into", BigId),
    _at("first_response_at"),
    _at("resolved_at"),
    _at("closed_at"),
    sa.Column("version", sa.Integer, nullable=False, server_default="0"),
    sa.Index("ix_tickets_status_updated", "status", "updated_at"),
    sa.Index(
        "ix_tickets_conversation",
        "conversation",
        sqlite_where=sa.text("conversation <> ''"),
        postgresql_where=sa.text("conversation <> ''"),
    ),
    **_AUTOINCREMENT,
)

predictions = sa.Table(
    "predictions",
    metadata,
    _ref("ticket_id", "tickets.id", primary_key=True),
    sa.Column("message_id", BigId),
    _text("model_version"),
    sa.Column("category", sa.Text),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    _json("runners_up", "[]"),
    _json("reasons", "[]"),
)

messages = sa.Table(
    "messages",
    metadata,
    _id(),
    _ref("ticket_id", "tickets.id", nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("inbound", sa.Boolean, nullable=False),
    sa.Column("author_kind", sa.Text, nullable=False),
    sa.Column("author_id", BigId),
    _text("author_name"),
    _text("author_address"),
    _at("created_at", nullable=False),
    _text("subject"),
    _text("text"),
    _text("reply"),
    _text("html"),
    _json("cut", "[]"),
    _json("attachments", "[]"),
    _json("recipients", "{}"),
    _text("external_id"),
    _text("content_hash"),
    _json("references", "[]"),
    _at("sent_at"),
    sa.Column("inbound_id", BigId),
    _text("signal"),
    _text("signal_detail"),
    _json("trust", "{}"),
    _text("raw"),
    **_AUTOINCREMENT,
)

thread_ids = sa.Table(
    "thread_ids",
    metadata,
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("inbound_id", BigId),
    sa.Column("ticket_id", BigId),
    sa.Column("row_id", BigId),
    _text("content_hash"),
)

participants = sa.Table(
    "participants",
    metadata,
    _ref("ticket_id", "tickets.id", primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
)

links = sa.Table(
    "links",
    metadata,
    _ref("ticket_id", "tickets.id", primary_key=True),
    _ref("other_id", "tickets.id", primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
)

events = sa.Table(
    "events",
    metadata,
    _id(),
    _ref("ticket_id", "tickets.id", nullable=False, index=True),
    _at("at", nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("actor_kind", sa.Text, nullable=False),
    sa.Column("actor_id", BigId),
    _text("actor_name"),
    _text("before"),
    _text("after"),
    _text("why"),
    _json("data", "{}"),
    sa.Column("message_id", BigId),
    sa.Column("reacted", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Index(
        "ix_events_unreacted",
        "id",
        sqlite_where=sa.text("reacted = 0"),
        postgresql_where=sa.text("not reacted"),
    ),
    **_AUTOINCREMENT,
)

outbound = sa.Table(
    "outbound",
    metadata,
    _id(),
    sa.Column("dedupe_key", sa.Text, nullable=False, unique=True),
    sa.Column("transport", sa.Text, nullable=False, server_default="mail"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("ticket_id", BigId, index=True),
    sa.Column("message_id", BigId),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("external_id", sa.Text, nullable=False, index=True),
    _json("content", "{}"),
    sa.Column("state", sa.Text, nullable=False, server_default="queued"),
    _text("reason"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    _at("next_at", nullable=False),
    _at("created_at", nullable=False),
    _at("sent_at"),
    _text("raw"),
    sa.Index(
        "ix_outbound_due",
        "next_at",
        sqlite_where=sa.text("state in ('queued', 'sending')"),
        postgresql_where=sa.text("state in ('queued', 'sending')"),
    ),
    sa.Index("ix_outbound_recipient", "recipient", "created_at"),
    **_AUTOINCREMENT,
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    _at("until", nullable=False),
)

api_tokens = sa.Table(
    "api_tokens",
    metadata,
    _id(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),
    _json("scopes", "[]"),
    _at("created_at", nullable=False),
    _at("revoked_at"),
    **_AUTOINCREMENT,
)

console_sessions = sa.Table(
    "console_sessions",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    _ref("agent_id", "agents.id", nullable=False, index=True),
    _at("created_at", nullable=False),
    _at("expires_at", nullable=False),
)

settings = sa.Table("settings", metadata, sa.Column("key", sa.Text, primary_key=True), _json("value", "null"))
