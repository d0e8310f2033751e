"""Tables of people: watchers, drafts, scheduled replies, side conversations, aliases, audit log, erasures, sessions.

They share the metadata of `storage.tables.tickets`; migrations create them.
"""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.column_types import AUTOINCREMENT, BigId, at, flag, identity, json, ref, text
from storage.tables.tickets import metadata

watchers = sa.Table(
    "watchers",
    metadata,
    ref("ticket_id", "tickets.id", primary_key=True),
    ref("agent_id", "agents.id", primary_key=True, index=True),
    at("at", nullable=False),
)

ticket_reads = sa.Table(
    "ticket_reads",
    metadata,
    ref("ticket_id", "tickets.id", primary_key=True),
    ref("agent_id", "agents.id", primary_key=True),
    sa.Column("message_id", BigId, nullable=False),
)

saved_views = sa.Table(
    "saved_views",
    metadata,
    identity(),
    sa.Column("name", sa.Text, nullable=False),
    text("query"),
    ref("owner_id", "agents.id", nullable=False, index=True),
    flag("shared"),
    at("created_at", nullable=False),
    **AUTOINCREMENT,
)

presence = sa.Table(
    "presence",
    metadata,
    ref("ticket_id", "tickets.id", primary_key=True),
    ref("agent_id", "agents.id", primary_key=True),
    sa.Column("doing", sa.Text, nullable=False),
    at("at", nullable=False),
)

drafts = sa.Table(
    "drafts",
    metadata,
    ref("ticket_id", "tickets.id", primary_key=True),
    ref("agent_id", "agents.id", primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    text("text"),
    json("files", "[]"),
    at("at", nullable=False),
)

scheduled_replies = sa.Table(
    "scheduled_replies",
    metadata,
    identity(),
    ref("ticket_id", "tickets.id", nullable=False, index=True),
    ref("agent_id", "agents.id", nullable=False),
    json("content", "{}"),
    at("send_at", nullable=False, index=True),
    **AUTOINCREMENT,
)

side_conversations = sa.Table(
    "side_conversations",
    metadata,
    identity(),
    ref("ticket_id", "tickets.id", nullable=False, index=True),
    text("subject"),
    text("address"),
    json("people", "[]"),
    sa.Column("state", sa.Text, nullable=False, server_default="open"),
    flag("holds"),
    sa.Column("agent_id", BigId),
    at("created_at", nullable=False),
    **AUTOINCREMENT,
)

agent_aliases = sa.Table(
    "agent_aliases",
    metadata,
    sa.Column("address", sa.Text, primary_key=True),
    ref("agent_id", "agents.id", primary_key=True, index=True),
    at("seen_at", nullable=False),
    at("confirmed_at"),
)

channel_accounts = sa.Table(
    "channel_accounts",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, primary_key=True),
    ref("person_id", "people.id", nullable=False, index=True),
    at("added_at", nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    identity(),
    at("at", nullable=False, index=True),
    sa.Column("agent_id", BigId),
    text("agent_name"),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("ticket_id", BigId, index=True),
    sa.Column("team_id", BigId),
    json("data", "{}"),
    **AUTOINCREMENT,
)

erasures = sa.Table(
    "erasures",
    metadata,
    identity(),
    at("at", nullable=False),
    sa.Column("agent_id", BigId),
    text("person_hash", index=True),
    text("why"),
    json("receipt", "{}"),
    **AUTOINCREMENT,
)

requester_sessions = sa.Table(
    "requester_sessions",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    ref("person_id", "people.id", nullable=False, index=True),
    at("created_at", nullable=False),
    at("expires_at", nullable=False),
)
