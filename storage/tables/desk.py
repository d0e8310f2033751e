"""Tables of the desk's configuration: organisations, calendars, timers, rules, macros, articles, ratings.

They share the metadata of `storage.tables.tickets`; migrations create them.
"""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.column_types import AUTOINCREMENT, BigId, at, flag, identity, json, number, ref, text, unique_name
from storage.tables.tickets import metadata

organisations = sa.Table(
    "organisations",
    metadata,
    identity(),
    unique_name(),
    json("domains", "[]"),
    text("plan"),
    flag("shared"),
    at("created_at", nullable=False),
    **AUTOINCREMENT,
)

calendars = sa.Table(
    "calendars",
    metadata,
    identity(),
    unique_name(),
    text("time_zone"),
    json("slots", "[]"),
    json("holidays", "{}"),
    **AUTOINCREMENT,
)

routing_rules = sa.Table(
    "routing_rules",
    metadata,
    identity(),
    unique_name(),
    number("position"),
    json("conditions", "[]"),
    json("actions", "{}"),
    flag("active", default=True),
    **AUTOINCREMENT,
)

sla_policies = sa.Table(
    "sla_policies",
    metadata,
    identity(),
    unique_name(),
    number("position"),
    json("conditions", "[]"),
    json("targets", "{}"),
    sa.Column("calendar_id", BigId),
    json("escalations", "[]"),
    number("warn_percent", 80),
    flag("active", default=True),
    **AUTOINCREMENT,
)

clocks = sa.Table(
    "clocks",
    metadata,
    ref("ticket_id", "tickets.id", primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("policy_id", BigId, index=True),
    number("target_seconds"),
    sa.Column("state", sa.Text, nullable=False, server_default="running"),
    at("started_at", nullable=False),
    at("due_at"),
    at("next_at"),
    at("paused_at"),
    sa.Column("left_seconds", sa.BigInteger),
    at("warned_at"),
    at("breached_at"),
    at("met_at"),
    number("escalated"),
    sa.Index(
        "ix_clocks_next",
        "next_at",
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    ),
)

automations = sa.Table(
    "automations",
    metadata,
    identity(),
    unique_name(),
    number("position"),
    json("trigger", "{}"),
    json("conditions", "[]"),
    json("actions", "[]"),
    flag("active"),
    at("created_at", nullable=False),
    **AUTOINCREMENT,
)

automation_firings = sa.Table(
    "automation_firings",
    metadata,
    identity(),
    ref("automation_id", "automations.id", nullable=False),
    ref("ticket_id", "tickets.id", nullable=False, index=True),
    sa.Column("event_id", BigId),
    at("at", nullable=False),
    sa.UniqueConstraint("automation_id", "ticket_id", "event_id"),
    **AUTOINCREMENT,
)

macros = sa.Table(
    "macros",
    metadata,
    identity(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("team_id", BigId, index=True),
    sa.Column("owner_id", BigId, index=True),
    text("text"),
    json("actions", "[]"),
    number("uses"),
    flag("active", default=True),
    **AUTOINCREMENT,
)

custom_fields = sa.Table(
    "custom_fields",
    metadata,
    identity(),
    unique_name(),
    text("label"),
    sa.Column("kind", sa.Text, nullable=False),
    json("choices", "[]"),
    json("categories", "[]"),
    flag("required"),
    flag("public"),
    number("position"),
    **AUTOINCREMENT,
)

articles = sa.Table(
    "articles",
    metadata,
    identity(),
    text("title"),
    text("text"),
    text("category", index=True),
    text("language"),
    sa.Column("state", sa.Text, nullable=False, server_default="draft"),
    sa.Column("audience", sa.Text, nullable=False, server_default="internal"),
    number("version", 1),
    sa.Column("team_id", BigId),
    sa.Column("author_id", BigId),
    sa.Column("from_ticket_id", BigId, index=True),
    at("created_at", nullable=False),
    at("updated_at", nullable=False),
    at("published_at"),
    **AUTOINCREMENT,
)

article_versions = sa.Table(
    "article_versions",
    metadata,
    ref("article_id", "articles.id", primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    text("title"),
    text("text"),
    sa.Column("editor_id", BigId),
    at("at", nullable=False),
)

article_uses = sa.Table(
    "article_uses",
    metadata,
    identity(),
    ref("article_id", "articles.id", nullable=False, index=True),
    sa.Column("ticket_id", BigId, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("person_id", BigId),
    at("at", nullable=False),
    **AUTOINCREMENT,
)

ratings = sa.Table(
    "ratings",
    metadata,
    identity(),
    ref("ticket_id", "tickets.id", nullable=False, index=True),
    sa.Column("agent_id", BigId),
    sa.Column("team_id", BigId),
    sa.Column("requester_id", BigId, index=True),
    sa.Column("state", sa.Text, nullable=False, server_default="planned"),
    at("asked_at", nullable=False),
    at("next_at"),
    at("reminded_at"),
    at("rated_at", index=True),
    sa.Column("score", sa.Integer),
    text("comment"),
    sa.Index(
        "ix_ratings_next",
        "next_at",
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    ),
    **AUTOINCREMENT,
)

report_schedules = sa.Table(
    "report_schedules",
    metadata,
    identity(),
    unique_name(),
    json("recipients", "[]"),
    json("content", "{}"),
    sa.Column("every", sa.Text, nullable=False, server_default="week"),
    at("next_at"),
    **AUTOINCREMENT,
)
