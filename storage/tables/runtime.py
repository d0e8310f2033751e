"""Tables of running processes and of access: leases, heartbeats, failures, folders, tokens, sessions, Slack.

They share the metadata of `storage.tables.tickets`; migrations create them.
"""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.column_types import AUTOINCREMENT, BigId, at, identity, json, number, ref, text
from storage.tables.tickets import metadata

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    at("until", nullable=False),
)

failures = sa.Table(
    "failures",
    metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("row_id", BigId, primary_key=True, autoincrement=False),
    number("attempts"),
    text("reason"),
    at("failed_at", nullable=False),
    at("next_at"),
)

heartbeats = sa.Table(
    "heartbeats",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    at("at", nullable=False),
    json("data", "{}"),
)

api_tokens = sa.Table(
    "api_tokens",
    metadata,
    identity(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),
    json("scopes", "[]"),
    at("created_at", nullable=False),
    at("revoked_at"),
    **AUTOINCREMENT,
)

console_sessions = sa.Table(
    "console_sessions",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    ref("agent_id", "agents.id", nullable=False, index=True),
    at("created_at", nullable=False),
    at("expires_at", nullable=False),
)

imap_folders = sa.Table(
    "imap_folders",
    metadata,
    ref("mailbox_id", "mailboxes.id", primary_key=True),
    sa.Column("folder", sa.Text, primary_key=True),
    sa.Column("uidvalidity", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("last_uid", sa.BigInteger, nullable=False, server_default="0"),
    at("last_good_at"),
    at("failing_since"),
    text("error"),
    sa.Column("lag_seconds", sa.Float),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("inbound_id", BigId),
    at("created_at", nullable=False),
)

slack_threads = sa.Table(
    "slack_threads",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("thread_ts", sa.Text, primary_key=True),
    ref("ticket_id", "tickets.id", nullable=False, index=True),
)

late_files = sa.Table(
    "late_files",
    metadata,
    identity(),
    ref("ticket_id", "tickets.id", nullable=False, index=True),
    ref("message_id", "messages.id", nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("file_id", sa.Text, nullable=False),
    number("attempts"),
    at("next_at", nullable=False, index=True),
    sa.UniqueConstraint("message_id", "place"),
    **AUTOINCREMENT,
)
