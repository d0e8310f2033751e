"""The spine: ledgers, tickets, messages, events, threads, people, search."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Frozen here: what later releases search by is a later migration's matter.
SQLITE_INDEX = (
    "CREATE VIRTUAL TABLE message_search USING fts5(subject, text, content='messages', content_rowid='id')",
    "CREATE TRIGGER message_search_added AFTER INSERT ON messages BEGIN "
    "INSERT INTO message_search(rowid, subject, text) VALUES (new.id, new.subject, new.text); END",
    "CREATE TRIGGER message_search_removed AFTER DELETE ON messages BEGIN "
    "INSERT INTO message_search(message_search, rowid, subject, text) "
    "VALUES ('delete', old.id, old.subject, old.text); END",
    "CREATE TRIGGER message_search_changed AFTER UPDATE OF subject, text ON messages BEGIN "
    "INSERT INTO message_search(message_search, rowid, subject, text) "
    "VALUES ('delete', old.id, old.subject, old.text); "
    "INSERT INTO message_search(rowid, subject, text) VALUES (new.id, new.subject, new.text); END",
)
POSTGRES_INDEX = (
    "ALTER TABLE messages ADD COLUMN search tsvector GENERATED ALWAYS AS "
    "(to_tsvector('simple', left(subject || ' ' || text, 100000))) STORED",
    "CREATE INDEX ix_messages_search ON messages USING gin (search)",
)


def upgrade() -> None:
    _tables()
    for statement in POSTGRES_INDEX if op.get_bind().dialect.name == "postgresql" else SQLITE_INDEX:
        op.execute(statement)


def _tables() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("scopes", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blobs")),
    )
    op.create_table(
        "idempotency",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("inbound_id", BIG_ID, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "inbound",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), server_default="", nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("request", sa.Text(), server_default="", nullable=False),
        sa.Column("envelope", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("raw", sa.Text(), server_default="", nullable=False),
        sa.Column("size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("repeats", sa.Integer(), server_default="0", nullable=False),
        sa.Column("suspect", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=True),
        sa.Column("message_id", BIG_ID, nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
        sa.UniqueConstraint(
            "content_hash",
            "external_id",
            "source",
            "channel",
            name=op.f("uq_inbound_content_hash_external_id_source_channel"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_inbound_aside",
        "inbound",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state in ('quarantined', 'refused', 'releasing')"),
        postgresql_where=sa.text("state in ('quarantined', 'refused', 'releasing')"),
    )
    op.create_index(
        "ix_inbound_waiting",
        "inbound",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "outbound",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("transport", sa.Text(), server_default="mail", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=True),
        sa.Column("message_id", BIG_ID, nullable=True),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("raw", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbound")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_outbound_dedupe_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_outbound_due",
        "outbound",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("state in ('queued', 'sending')"),
        postgresql_where=sa.text("state in ('queued', 'sending')"),
    )
    op.create_index(op.f("ix_outbound_external_id"), "outbound", ["external_id"], unique=False)
    op.create_index("ix_outbound_recipient", "outbound", ["recipient", "created_at"], unique=False)
    op.create_index(op.f("ix_outbound_ticket_id"), "outbound", ["ticket_id"], unique=False)
    op.create_table(
        "people",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("slack_user", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("address", name=op.f("uq_people_address")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_people_slack_user"), "people", ["slack_user"], unique=False)
    op.create_table(
        "settings",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.JSON(), server_default="null", nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_settings")),
    )
    op.create_table(
        "teams",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("name", name=op.f("uq_teams_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "thread_ids",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("inbound_id", BIG_ID, nullable=True),
        sa.Column("ticket_id", BIG_ID, nullable=True),
        sa.Column("row_id", BIG_ID, nullable=True),
        sa.Column("content_hash", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_thread_ids")),
    )
    op.create_table(
        "agents",
        sa.Column("id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("role", sa.Text(), server_default="agent", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("password_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("key_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("notify", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["people.id"], name=op.f("fk_agents_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
    )
    op.create_table(
        "mailboxes",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("team_id", BIG_ID, nullable=True),
        sa.Column("imap", sa.JSON(), server_default="null", nullable=False),
        sa.Column("signature", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_mailboxes_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailboxes")),
        sa.UniqueConstraint("address", name=op.f("uq_mailboxes_address")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "console_sessions",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("agent_id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_console_sessions_agent_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_console_sessions")),
    )
    op.create_index(op.f("ix_console_sessions_agent_id"), "console_sessions", ["agent_id"], unique=False)
    op.create_table(
        "imap_folders",
        sa.Column("mailbox_id", BIG_ID, nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_uid", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_good_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("lag_seconds", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailboxes.id"], name=op.f("fk_imap_folders_mailbox_id")),
        sa.PrimaryKeyConstraint("mailbox_id", "folder", name=op.f("pk_imap_folders")),
    )
    op.create_table(
        "memberships",
        sa.Column("team_id", BIG_ID, nullable=False),
        sa.Column("agent_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_memberships_agent_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_memberships_team_id")),
        sa.PrimaryKeyConstraint("team_id", "agent_id", name=op.f("pk_memberships")),
    )
    op.create_index(op.f("ix_memberships_agent_id"), "memberships", ["agent_id"], unique=False)
    op.create_table(
        "tickets",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("requester_id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("team_id", BIG_ID, nullable=True),
        sa.Column("assignee_id", BIG_ID, nullable=True),
        sa.Column("mailbox_id", BIG_ID, nullable=True),
        sa.Column("channel", sa.Text(), server_default="", nullable=False),
        sa.Column("conversation", sa.Text(), server_default="", nullable=False),
        sa.Column("tags", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("merged_into", BIG_ID, nullable=True),
        sa.Column("first_response_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["assignee_id"], ["agents.id"], name=op.f("fk_tickets_assignee_id")),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailboxes.id"], name=op.f("fk_tickets_mailbox_id")),
        sa.ForeignKeyConstraint(["requester_id"], ["people.id"], name=op.f("fk_tickets_requester_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_tickets_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_tickets_assignee_id"), "tickets", ["assignee_id"], unique=False)
    op.create_index(
        "ix_tickets_conversation",
        "tickets",
        ["conversation"],
        unique=False,
        sqlite_where=sa.text("conversation <> ''"),
        postgresql_where=sa.text("conversation <> ''"),
    )
    op.create_index(op.f("ix_tickets_requester_id"), "tickets", ["requester_id"], unique=False)
    op.create_index("ix_tickets_status_updated", "tickets", ["status", "updated_at"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", BIG_ID, nullable=True),
        sa.Column("actor_name", sa.Text(), server_default="", nullable=False),
        sa.Column("before", sa.Text(), server_default="", nullable=False),
        sa.Column("after", sa.Text(), server_default="", nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("data", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("message_id", BIG_ID, nullable=True),
        sa.Column("reacted", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_events_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_events_ticket_id"), "events", ["ticket_id"], unique=False)
    op.create_index(
        "ix_events_unreacted",
        "events",
        ["id"],
        unique=False,
        sqlite_where=sa.text("reacted = 0"),
        postgresql_where=sa.text("not reacted"),
    )
    op.create_table(
        "links",
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("other_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["other_id"], ["tickets.id"], name=op.f("fk_links_other_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_links_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "other_id", "kind", name=op.f("pk_links")),
    )
    op.create_table(
        "messages",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("inbound", sa.Boolean(), nullable=False),
        sa.Column("author_kind", sa.Text(), nullable=False),
        sa.Column("author_id", BIG_ID, nullable=True),
        sa.Column("author_name", sa.Text(), server_default="", nullable=False),
        sa.Column("author_address", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("reply", sa.Text(), server_default="", nullable=False),
        sa.Column("html", sa.Text(), server_default="", nullable=False),
        sa.Column("cut", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("attachments", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("recipients", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("external_id", sa.Text(), server_default="", nullable=False),
        sa.Column("content_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("references", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("inbound_id", BIG_ID, nullable=True),
        sa.Column("signal", sa.Text(), server_default="", nullable=False),
        sa.Column("signal_detail", sa.Text(), server_default="", nullable=False),
        sa.Column("trust", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("raw", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_messages_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_messages_ticket_id"), "messages", ["ticket_id"], unique=False)
    op.create_table(
        "participants",
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_participants_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "address", name=op.f("pk_participants")),
    )
    op.create_table(
        "predictions",
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("message_id", BIG_ID, nullable=True),
        sa.Column("model_version", sa.Text(), server_default="", nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("runners_up", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("reasons", sa.JSON(), server_default="[]", nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_predictions_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_predictions")),
    )
