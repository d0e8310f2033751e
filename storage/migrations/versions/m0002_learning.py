"""What the desk learns: corrections, models, categories, keyword rules, incidents, solved tickets, foreign numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

SQLITE_INDEX = (
    "CREATE VIRTUAL TABLE solved_search USING fts5(subject, text, content='solved', content_rowid='ticket_id')",
    "CREATE TRIGGER solved_search_added AFTER INSERT ON solved BEGIN "
    "INSERT INTO solved_search(rowid, subject, text) VALUES (new.ticket_id, new.subject, new.text); END",
    "CREATE TRIGGER solved_search_removed AFTER DELETE ON solved BEGIN "
    "INSERT INTO solved_search(solved_search, rowid, subject, text) "
    "VALUES ('delete', old.ticket_id, old.subject, old.text); END",
    "CREATE TRIGGER solved_search_changed AFTER UPDATE OF subject, text ON solved BEGIN "
    "INSERT INTO solved_search(solved_search, rowid, subject, text) "
    "VALUES ('delete', old.ticket_id, old.subject, old.text); "
    "INSERT INTO solved_search(rowid, subject, text) VALUES (new.ticket_id, new.subject, new.text); END",
)
POSTGRES_INDEX = (
    "ALTER TABLE solved ADD COLUMN search tsvector GENERATED ALWAYS AS "
    "(to_tsvector('simple', left(subject || ' ' || text, 20000))) STORED",
    "CREATE INDEX ix_solved_search ON solved USING gin (search)",
)


def upgrade() -> None:
    _tables()
    for statement in POSTGRES_INDEX if op.get_bind().dialect.name == "postgresql" else SQLITE_INDEX:
        op.execute(statement)


def _tables() -> None:
    op.create_table(
        "categories",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
        sa.UniqueConstraint("name", name=op.f("uq_categories_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "incidents",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("people", sa.Integer(), server_default="0", nullable=False),
        sa.Column("window_minutes", sa.Integer(), server_default="15", nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("ended_by", BIG_ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_incidents_state_category", "incidents", ["state", "category"], unique=False)
    is_open = sa.text("state = 'open'")
    op.create_index(
        "ix_incidents_open",
        "incidents",
        ["category", "organisation"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "keyword_rules",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("words", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("hard", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keyword_rules")),
        sa.UniqueConstraint("name", name=op.f("uq_keyword_rules_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "models",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("made_by", sa.Text(), server_default="", nullable=False),
        sa.Column("checksum", sa.Text(), server_default="", nullable=False),
        sa.Column("examples", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_correction_id", BIG_ID, nullable=True),
        sa.Column("report", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_models")),
    )
    op.create_table(
        "corrections",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("message_id", BIG_ID, nullable=True),
        sa.Column("agent_id", BIG_ID, nullable=True),
        sa.Column("via", sa.Text(), server_default="", nullable=False),
        sa.Column("before", sa.Text(), server_default="", nullable=False),
        sa.Column("after", sa.Text(), server_default="", nullable=False),
        sa.Column("model_version", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_corrections_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_corrections_at"), "corrections", ["at"], unique=False)
    op.create_index(op.f("ix_corrections_ticket_id"), "corrections", ["ticket_id"], unique=False)
    op.create_table(
        "foreign_numbers",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_foreign_numbers_ticket_id")),
        sa.PrimaryKeyConstraint("number", "domain", name=op.f("pk_foreign_numbers")),
    )
    op.create_index(op.f("ix_foreign_numbers_ticket_id"), "foreign_numbers", ["ticket_id"], unique=False)
    op.create_table(
        "incident_tickets",
        sa.Column("incident_id", BIG_ID, nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("state", sa.Text(), server_default="member", nullable=False),
        sa.Column("likeness", sa.Float(), server_default="0", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_incident_tickets_incident_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_incident_tickets_ticket_id")),
        sa.PrimaryKeyConstraint("incident_id", "ticket_id", name=op.f("pk_incident_tickets")),
    )
    op.create_index(op.f("ix_incident_tickets_ticket_id"), "incident_tickets", ["ticket_id"], unique=False)
    _incidents()
    op.create_table(
        "solved",
        sa.Column("ticket_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("category", sa.Text(), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("resolution", sa.Text(), server_default="", nullable=False),
        sa.Column("message_id", BIG_ID, nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_solved_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_solved")),
    )
    op.create_index(op.f("ix_solved_category"), "solved", ["category"], unique=False)
    op.create_table(
        "suggestion_uses",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", BIG_ID, nullable=True),
        sa.Column("agent_id", BIG_ID, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_suggestion_uses_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion_uses")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_suggestion_uses_ticket_id"), "suggestion_uses", ["ticket_id"], unique=False)
    op.add_column("people", sa.Column("vip", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("predictions", sa.Column("rule", sa.Text(), server_default="", nullable=False))
    op.add_column("predictions", sa.Column("rule_category", sa.Text(), server_default="", nullable=False))
    op.add_column("predictions", sa.Column("language", sa.Text(), server_default="", nullable=False))
    op.add_column("predictions", sa.Column("created_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("priority_why", sa.JSON(), server_default="{}", nullable=False))
    op.create_index("ix_tickets_category_created", "tickets", ["category", "created_at"], unique=False)


def _incidents() -> None:
    """What agents order for all tickets of an incident, and what the detector counts."""
    op.create_table(
        "incident_orders",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("incident_id", BIG_ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("agent_id", BIG_ID, nullable=True),
        sa.Column("agent_name", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_ticket_id", BIG_ID, server_default="0", nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_incident_orders_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_orders")),
        sa.UniqueConstraint("key", name=op.f("uq_incident_orders_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_incident_orders_incident_id"), "incident_orders", ["incident_id"], unique=False)
    waiting = sa.text("done_at is null")
    op.create_index(
        "ix_incident_orders_waiting", "incident_orders", ["id"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_table(
        "incident_reports",
        sa.Column("ticket_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), server_default="", nullable=False),
        sa.Column("requester_id", BIG_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_incident_reports_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_incident_reports")),
    )
    op.create_index(op.f("ix_incident_reports_at"), "incident_reports", ["at"], unique=False)
    op.create_table(
        "incident_traffic",
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("category", "organisation", "hour", name=op.f("pk_incident_traffic")),
    )
    op.create_index("ix_incident_traffic_hour", "incident_traffic", ["hour"], unique=False)
