"""Tables of tickets, messages, events, people, teams and the inbound and outbound logs. All times are UTC.

Migrations in `storage/migrations/` create them; a test compares both on both databases.
"""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.column_types import AUTOINCREMENT, BigId, at, flag, identity, json, number, ref, text, unique_name

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _only(name: str, column: str) -> sa.Index:
    """An index over those rows that have a value there, which are few."""
    return _where(name, column, f"{column} IS NOT NULL")


def _where(name: str, column: str, condition: str) -> sa.Index:
    """An index over those rows for which the condition holds."""
    there = sa.text(condition)
    return sa.Index(name, column, sqlite_where=there, postgresql_where=there)


HELD = "assignee_id IS NOT NULL AND status IN ('new', 'open', 'pending', 'on_hold')"
"""Tickets that somebody has to finish. A query that says it in the same words reads only them."""

teams = sa.Table(
    "teams",
    metadata,
    identity(),
    unique_name(),
    flag("private"),
    sa.Column("strategy", sa.Text, nullable=False, server_default="manual"),
    json("routing", "{}"),
    sa.Column("calendar_id", BigId),
    text("signature"),
    text("slack_channel"),
    **AUTOINCREMENT,
)

mailboxes = sa.Table(
    "mailboxes",
    metadata,
    identity(),
    sa.Column("address", sa.Text, nullable=False, unique=True),
    text("name"),
    ref("team_id", "teams.id"),
    json("imap", "null"),
    text("signature"),
    **AUTOINCREMENT,
)

people = sa.Table(
    "people",
    metadata,
    identity(),
    sa.Column("address", sa.Text, nullable=False, unique=True),
    text("name"),
    flag("vip"),
    sa.Column("organisation_id", BigId, index=True),
    text("language"),
    text("time_zone"),
    number("link_version"),
    at("erased_at"),
    at("created_at", nullable=False),
    **AUTOINCREMENT,
)

agents = sa.Table(
    "agents",
    metadata,
    sa.Column("id", BigId, sa.ForeignKey("people.id"), primary_key=True, autoincrement=False),
    sa.Column("role", sa.Text, nullable=False, server_default="agent"),
    flag("active", default=True),
    text("password_hash"),
    number("key_version", 1),
    flag("notify", default=True),
    number("weight", 1),
    sa.Column("capacity", sa.Integer),
    json("skills", "[]"),
    sa.Column("calendar_id", BigId),
    flag("available", default=True),
    at("away_from"),
    at("away_until"),
    flag("hands_over"),
    text("signature"),
)

memberships = sa.Table(
    "memberships",
    metadata,
    ref("team_id", "teams.id", primary_key=True),
    ref("agent_id", "agents.id", primary_key=True, index=True),
    at("last_assigned_at"),
)

inbound = sa.Table(
    "inbound",
    metadata,
    identity(),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    text("external_id"),
    sa.Column("content_hash", sa.Text, nullable=False),
    at("received_at", nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    text("reason"),
    text("request"),
    json("envelope", "{}"),
    text("raw"),
    sa.Column("size", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("repeats", sa.Integer, nullable=False, server_default="0"),
    sa.Column("suspect", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("ticket_id", BigId),
    sa.Column("message_id", BigId),
    at("settled_at"),
    sa.UniqueConstraint("content_hash", "external_id", "source", "channel"),
    _where("ix_inbound_waiting", "id", "state = 'waiting'"),
    _where("ix_inbound_ordered", "id", "state = 'ordered'"),
    _where("ix_inbound_aside", "id", "state in ('quarantined', 'refused', 'releasing')"),
    **AUTOINCREMENT,
)

blobs = sa.Table(
    "blobs",
    metadata,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("data", sa.LargeBinary),
    at("created_at", nullable=False),
)

tickets = sa.Table(
    "tickets",
    metadata,
    identity(),
    text("subject"),
    ref("requester_id", "people.id", nullable=False, index=True),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("priority", sa.Text, nullable=False),
    sa.Column("category", sa.Text),
    ref("team_id", "teams.id"),
    ref("assignee_id", "agents.id", index=True),
    ref("mailbox_id", "mailboxes.id"),
    text("channel"),
    text("conversation"),
    json("tags", "[]"),
    json("priority_why", "{}"),
    json("fields", "{}"),
    sa.Column("organisation_id", BigId, index=True),
    sa.Column("parent_id", BigId, index=True),
    sa.Column("merged_into", BigId),
    text("resolution"),
    at("snoozed_until"),
    at("due_at"),
    at("unroutable_at"),
    at("reminded_at"),
    at("undelivered_at"),
    at("first_response_at"),
    at("resolved_at"),
    at("closed_at"),
    sa.Column("version", sa.Integer, nullable=False, server_default="0"),
    sa.Index("ix_tickets_status_updated", "status", "updated_at"),
    sa.Index("ix_tickets_category_created", "category", "created_at"),
    sa.Index("ix_tickets_team_status", "team_id", "status"),
    _only("ix_tickets_snoozed", "snoozed_until"),
    _only("ix_tickets_due", "due_at"),
    _only("ix_tickets_unroutable", "unroutable_at"),
    _only("ix_tickets_reminded", "reminded_at"),
    _only("ix_tickets_undelivered", "undelivered_at"),
    sa.Index("ix_tickets_held", "assignee_id", sqlite_where=sa.text(HELD), postgresql_where=sa.text(HELD)),
    sa.Index(
        "ix_tickets_conversation",
        "conversation",
        sqlite_where=sa.text("conversation <> ''"),
        postgresql_where=sa.text("conversation <> ''"),
    ),
    **AUTOINCREMENT,
)

predictions = sa.Table(
    "predictions",
    metadata,
    ref("ticket_id", "tickets.id", primary_key=True),
    sa.Column("message_id", BigId),
    text("model_version"),
    sa.Column("category", sa.Text),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    json("runners_up", "[]"),
    json("reasons", "[]"),
    text("rule"),
    text("rule_category"),
    text("language"),
    at("created_at"),
)

messages = sa.Table(
    "messages",
    metadata,
    identity(),
    ref("ticket_id", "tickets.id", nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("inbound", sa.Boolean, nullable=False),
    sa.Column("author_kind", sa.Text, nullable=False),
    sa.Column("author_id", BigId),
    text("author_name"),
    text("author_address"),
    at("created_at", nullable=False),
    text("subject"),
    text("text"),
    text("reply"),
    text("html"),
    json("cut", "[]"),
    json("attachments", "[]"),
    json("recipients", "{}"),
    text("external_id"),
    text("content_hash"),
    json("references", "[]"),
    at("sent_at"),
    sa.Column("inbound_id", BigId),
    text("signal"),
    text("signal_detail"),
    json("trust", "{}"),
    sa.Column("side_id", BigId, index=True),
    text("raw"),
    **AUTOINCREMENT,
)

thread_ids = sa.Table(
    "thread_ids",
    metadata,
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("inbound_id", BigId),
    sa.Column("ticket_id", BigId),
    sa.Column("row_id", BigId),
    text("content_hash"),
)

participants = sa.Table(
    "participants",
    metadata,
    ref("ticket_id", "tickets.id", primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
)

links = sa.Table(
    "links",
    metadata,
    ref("ticket_id", "tickets.id", primary_key=True),
    ref("other_id", "tickets.id", primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
)

events = sa.Table(
    "events",
    metadata,
    identity(),
    ref("ticket_id", "tickets.id", nullable=False, index=True),
    at("at", nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("actor_kind", sa.Text, nullable=False),
    sa.Column("actor_id", BigId),
    text("actor_name"),
    text("before"),
    text("after"),
    text("why"),
    json("data", "{}"),
    sa.Column("message_id", BigId),
    sa.Column("reacted", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Index(
        "ix_events_unreacted",
        "id",
        sqlite_where=sa.text("reacted = 0"),
        postgresql_where=sa.text("not reacted"),
    ),
    **AUTOINCREMENT,
)

outbound = sa.Table(
    "outbound",
    metadata,
    identity(),
    sa.Column("dedupe_key", sa.Text, nullable=False, unique=True),
    sa.Column("transport", sa.Text, nullable=False, server_default="mail"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("ticket_id", BigId, index=True),
    sa.Column("message_id", BigId),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("external_id", sa.Text, nullable=False, index=True),
    json("content", "{}"),
    sa.Column("state", sa.Text, nullable=False, server_default="queued"),
    text("reason"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    at("next_at", nullable=False),
    at("created_at", nullable=False),
    at("sent_at"),
    text("raw"),
    sa.Index(
        "ix_outbound_due",
        "next_at",
        sqlite_where=sa.text("state in ('queued', 'sending')"),
        postgresql_where=sa.text("state in ('queued', 'sending')"),
    ),
    sa.Index("ix_outbound_recipient", "recipient", "created_at"),
    **AUTOINCREMENT,
)

settings = sa.Table("settings", metadata, sa.Column("key", sa.Text, primary_key=True), json("value", "null"))
