"""Tables of learning and incidents: corrections, models, categories, keyword rules, incidents, solved tickets.

They share the metadata of `storage.tables.tickets`; migrations create them.
"""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.column_types import AUTOINCREMENT, BigId, at, identity, json, ref, text
from storage.tables.tickets import metadata

corrections = sa.Table(
    "corrections",
    metadata,
    identity(),
    ref("ticket_id", "tickets.id", nullable=False, index=True),
    sa.Column("message_id", BigId),
    sa.Column("agent_id", BigId),
    text("via"),
    text("before"),
    text("after"),
    text("model_version"),
    at("at", nullable=False, index=True),
    **AUTOINCREMENT,
)

models = sa.Table(
    "models",
    metadata,
    sa.Column("version", sa.Text, primary_key=True),
    at("created_at", nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    text("reason"),
    text("made_by"),
    text("checksum"),
    sa.Column("examples", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_correction_id", BigId),
    json("report", "{}"),
    at("activated_at"),
)

categories = sa.Table(
    "categories",
    metadata,
    identity(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    text("words"),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
    at("created_at", nullable=False),
    **AUTOINCREMENT,
)

keyword_rules = sa.Table(
    "keyword_rules",
    metadata,
    identity(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("category", sa.Text, nullable=False),
    json("words", "{}"),
    sa.Column("hard", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("position", sa.Integer, nullable=False, server_default="0"),
    at("created_at", nullable=False),
    **AUTOINCREMENT,
)

incidents = sa.Table(
    "incidents",
    metadata,
    identity(),
    sa.Column("category", sa.Text, nullable=False),
    text("organisation"),
    sa.Column("state", sa.Text, nullable=False, server_default="open"),
    at("opened_at", nullable=False),
    at("last_at", nullable=False),
    at("ended_at"),
    sa.Column("people", sa.Integer, nullable=False, server_default="0"),
    sa.Column("window_minutes", sa.Integer, nullable=False, server_default="15"),
    text("why"),
    sa.Column("ended_by", BigId),
    sa.Index("ix_incidents_state_category", "state", "category"),
    sa.Index(
        "ix_incidents_open",
        "category",
        "organisation",
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    ),
    **AUTOINCREMENT,
)

incident_tickets = sa.Table(
    "incident_tickets",
    metadata,
    ref("incident_id", "incidents.id", primary_key=True),
    ref("ticket_id", "tickets.id", primary_key=True, index=True),
    sa.Column("state", sa.Text, nullable=False, server_default="member"),
    sa.Column("likeness", sa.Float, nullable=False, server_default="0"),
    at("at", nullable=False),
)

incident_orders = sa.Table(
    "incident_orders",
    metadata,
    identity(),
    ref("incident_id", "incidents.id", nullable=False, index=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    text("text"),
    sa.Column("agent_id", BigId),
    text("agent_name"),
    at("at", nullable=False),
    sa.Column("total", sa.Integer, nullable=False, server_default="0"),
    sa.Column("done", sa.Integer, nullable=False, server_default="0"),
    sa.Column("last_ticket_id", BigId, nullable=False, server_default="0"),
    at("done_at"),
    sa.Index(
        "ix_incident_orders_waiting",
        "id",
        sqlite_where=sa.text("done_at is null"),
        postgresql_where=sa.text("done_at is null"),
    ),
    **AUTOINCREMENT,
)

incident_reports = sa.Table(
    "incident_reports",
    metadata,
    sa.Column("ticket_id", BigId, sa.ForeignKey("tickets.id"), primary_key=True, autoincrement=False),
    sa.Column("category", sa.Text, nullable=False),
    text("organisation"),
    sa.Column("requester_id", BigId, nullable=False),
    at("at", nullable=False, index=True),
)

incident_traffic = sa.Table(
    "incident_traffic",
    metadata,
    sa.Column("category", sa.Text, primary_key=True),
    sa.Column("organisation", sa.Text, primary_key=True),
    sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("slot", sa.Integer, nullable=False),
    sa.Column("messages", sa.Integer, nullable=False),
    sa.Index("ix_incident_traffic_hour", "hour"),
)

solved = sa.Table(
    "solved",
    metadata,
    sa.Column("ticket_id", BigId, sa.ForeignKey("tickets.id"), primary_key=True, autoincrement=False),
    text("category", index=True),
    text("subject"),
    text("text"),
    text("resolution"),
    sa.Column("message_id", BigId),
    at("resolved_at", nullable=False),
)

suggestion_uses = sa.Table(
    "suggestion_uses",
    metadata,
    identity(),
    ref("ticket_id", "tickets.id", nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("source_id", BigId),
    sa.Column("agent_id", BigId),
    sa.Column("outcome", sa.Text, nullable=False),
    at("at", nullable=False),
    **AUTOINCREMENT,
)

foreign_numbers = sa.Table(
    "foreign_numbers",
    metadata,
    sa.Column("number", sa.Text, primary_key=True),
    sa.Column("domain", sa.Text, primary_key=True),
    ref("ticket_id", "tickets.id", nullable=False, index=True),
    at("first_seen_at", nullable=False),
)
