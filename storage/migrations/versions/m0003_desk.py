"""How the desk works: organisations, calendars, clocks, rules, macros, articles, ratings, figures, people at work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

SQLITE_INDEX = (
    "CREATE VIRTUAL TABLE article_search USING fts5(title, text, content='articles', content_rowid='id')",
    "CREATE TRIGGER article_search_added AFTER INSERT ON articles BEGIN "
    "INSERT INTO article_search(rowid, title, text) VALUES (new.id, new.title, new.text); END",
    "CREATE TRIGGER article_search_removed AFTER DELETE ON articles BEGIN "
    "INSERT INTO article_search(article_search, rowid, title, text) "
    "VALUES ('delete', old.id, old.title, old.text); END",
    "CREATE TRIGGER article_search_changed AFTER UPDATE OF title, text ON articles BEGIN "
    "INSERT INTO article_search(article_search, rowid, title, text) "
    "VALUES ('delete', old.id, old.title, old.text); "
    "INSERT INTO article_search(rowid, title, text) VALUES (new.id, new.title, new.text); END",
)
POSTGRES_INDEX = (
    "ALTER TABLE articles ADD COLUMN search tsvector GENERATED ALWAYS AS "
    "(to_tsvector('simple', left(title || ' ' || text, 100000))) STORED",
    "CREATE INDEX ix_articles_search ON articles USING gin (search)",
)


def upgrade() -> None:
    _tables()
    for statement in POSTGRES_INDEX if op.get_bind().dialect.name == "postgresql" else SQLITE_INDEX:
        op.execute(statement)


def _tables() -> None:
    op.create_table(
        "articles",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("category", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("audience", sa.Text(), server_default="internal", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("team_id", BIG_ID, nullable=True),
        sa.Column("author_id", BIG_ID, nullable=True),
        sa.Column("from_ticket_id", BIG_ID, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_articles")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_articles_category"), "articles", ["category"], unique=False)
    op.create_index(op.f("ix_articles_from_ticket_id"), "articles", ["from_ticket_id"], unique=False)
    op.create_table(
        "audit",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agent_id", BIG_ID, nullable=True),
        sa.Column("agent_name", sa.Text(), server_default="", nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=True),
        sa.Column("team_id", BIG_ID, nullable=True),
        sa.Column("data", sa.JSON(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_index(op.f("ix_audit_ticket_id"), "audit", ["ticket_id"], unique=False)
    op.create_table(
        "automations",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("trigger", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("conditions", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("actions", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automations")),
        sa.UniqueConstraint("name", name=op.f("uq_automations_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "calendars",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), server_default="", nullable=False),
        sa.Column("slots", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("holidays", sa.JSON(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendars")),
        sa.UniqueConstraint("name", name=op.f("uq_calendars_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "custom_fields",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("choices", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("categories", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("required", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("public", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_fields")),
        sa.UniqueConstraint("name", name=op.f("uq_custom_fields_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "erasures",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agent_id", BIG_ID, nullable=True),
        sa.Column("person_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("receipt", sa.JSON(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_erasures_person_hash"), "erasures", ["person_hash"], unique=False)
    op.create_table(
        "macros",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("team_id", BIG_ID, nullable=True),
        sa.Column("owner_id", BIG_ID, nullable=True),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("actions", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("uses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_macros")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_macros_owner_id"), "macros", ["owner_id"], unique=False)
    op.create_index(op.f("ix_macros_team_id"), "macros", ["team_id"], unique=False)
    op.create_table(
        "organisations",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("domains", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("plan", sa.Text(), server_default="", nullable=False),
        sa.Column("shared", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("name", name=op.f("uq_organisations_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "report_schedules",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("recipients", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("content", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("every", sa.Text(), server_default="week", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_schedules")),
        sa.UniqueConstraint("name", name=op.f("uq_report_schedules_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "routing_rules",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("conditions", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("actions", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_rules")),
        sa.UniqueConstraint("name", name=op.f("uq_routing_rules_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sla_policies",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("conditions", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("targets", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("calendar_id", BIG_ID, nullable=True),
        sa.Column("escalations", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("warn_percent", sa.Integer(), server_default="80", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_policies")),
        sa.UniqueConstraint("name", name=op.f("uq_sla_policies_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ticket_facts",
        sa.Column("ticket_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), server_default="", nullable=False),
        sa.Column("category", sa.Text(), server_default="", nullable=False),
        sa.Column("priority", sa.Text(), server_default="", nullable=False),
        sa.Column("team_id", BIG_ID, nullable=True),
        sa.Column("agent_id", BIG_ID, nullable=True),
        sa.Column("organisation_id", BIG_ID, nullable=True),
        sa.Column("first_response_seconds", sa.BigInteger(), nullable=True),
        sa.Column("first_response_business", sa.BigInteger(), nullable=True),
        sa.Column("next_response_seconds", sa.BigInteger(), nullable=True),
        sa.Column("next_response_business", sa.BigInteger(), nullable=True),
        sa.Column("resolution_seconds", sa.BigInteger(), nullable=True),
        sa.Column("resolution_business", sa.BigInteger(), nullable=True),
        sa.Column("seconds_new", sa.BigInteger(), nullable=False),
        sa.Column("seconds_open", sa.BigInteger(), nullable=False),
        sa.Column("seconds_pending", sa.BigInteger(), nullable=False),
        sa.Column("seconds_on_hold", sa.BigInteger(), nullable=False),
        sa.Column("replies", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reopened", sa.Integer(), server_default="0", nullable=False),
        sa.Column("one_touch", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("met_first_response", sa.Boolean(), nullable=True),
        sa.Column("met_next_response", sa.Boolean(), nullable=True),
        sa.Column("met_resolution", sa.Boolean(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("opened_slot", BIG_ID, nullable=False),
        sa.Column("resolved_slot", BIG_ID, nullable=True),
        sa.Column("letters", sa.Text(), server_default="", nullable=False),
        sa.Column("last_event_id", BIG_ID, nullable=True),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_ticket_facts")),
    )
    op.create_index(op.f("ix_ticket_facts_opened_at"), "ticket_facts", ["opened_at"], unique=False)
    done, undone = sa.text("resolved_at IS NOT NULL"), sa.text("resolved_at IS NULL")
    op.create_index(
        "ix_ticket_facts_resolved_at", "ticket_facts", ["resolved_at"], sqlite_where=done, postgresql_where=done
    )
    op.create_index(
        "ix_ticket_facts_open",
        "ticket_facts",
        ["team_id", "agent_id", "status", "opened_at"],
        sqlite_where=undone,
        postgresql_where=undone,
    )
    op.create_table(
        "day_figures",
        sa.Column("view", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("team_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("agent_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("one_touch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reopened", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("good", sa.Integer(), server_default="0", nullable=False),
        sa.Column("score_sum", sa.Integer(), server_default="0", nullable=False),
        sa.Column("kept_first_response", sa.Integer(), server_default="0", nullable=False),
        sa.Column("broken_first_response", sa.Integer(), server_default="0", nullable=False),
        sa.Column("kept_next_response", sa.Integer(), server_default="0", nullable=False),
        sa.Column("broken_next_response", sa.Integer(), server_default="0", nullable=False),
        sa.Column("kept_resolution", sa.Integer(), server_default="0", nullable=False),
        sa.Column("broken_resolution", sa.Integer(), server_default="0", nullable=False),
        sa.Column("seconds_new", sa.BigInteger(), nullable=False),
        sa.Column("seconds_open", sa.BigInteger(), nullable=False),
        sa.Column("seconds_pending", sa.BigInteger(), nullable=False),
        sa.Column("seconds_on_hold", sa.BigInteger(), nullable=False),
        sa.Column("first_response_seconds", sa.BigInteger(), nullable=False),
        sa.Column("first_response_business", sa.BigInteger(), nullable=False),
        sa.Column("next_response_seconds", sa.BigInteger(), nullable=False),
        sa.Column("next_response_business", sa.BigInteger(), nullable=False),
        sa.Column("resolution_seconds", sa.BigInteger(), nullable=False),
        sa.Column("resolution_business", sa.BigInteger(), nullable=False),
        sa.Column("letters", sa.Text(), server_default="", nullable=False),
        sa.Column("quarters", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("view", "side", "day", "value", "team_id", "agent_id", name=op.f("pk_day_figures")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "loose_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_loose_days")),
    )
    op.create_index(op.f("ix_loose_days_changed_at"), "loose_days", ["changed_at"], unique=False)
    op.create_table(
        "article_uses",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("article_id", BIG_ID, nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_article_uses_article_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_uses")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_article_uses_article_id"), "article_uses", ["article_id"], unique=False)
    op.create_index(op.f("ix_article_uses_ticket_id"), "article_uses", ["ticket_id"], unique=False)
    op.create_table(
        "article_versions",
        sa.Column("article_id", BIG_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("editor_id", BIG_ID, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_article_versions_article_id")),
        sa.PrimaryKeyConstraint("article_id", "version", name=op.f("pk_article_versions")),
    )
    op.create_table(
        "automation_firings",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("automation_id", BIG_ID, nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["automation_id"], ["automations.id"], name=op.f("fk_automation_firings_automation_id")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_automation_firings_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automation_firings")),
        sa.UniqueConstraint(
            "automation_id",
            "ticket_id",
            "event_id",
            name=op.f("uq_automation_firings_automation_id_ticket_id_event_id"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_automation_firings_ticket_id"), "automation_firings", ["ticket_id"], unique=False)
    op.create_table(
        "clocks",
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("policy_id", BIG_ID, nullable=True),
        sa.Column("target_seconds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), server_default="running", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_seconds", sa.BigInteger(), nullable=True),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("breached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalated", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_clocks_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "kind", name=op.f("pk_clocks")),
    )
    op.create_index(
        "ix_clocks_next",
        "clocks",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_clocks_policy_id"), "clocks", ["policy_id"], unique=False)
    op.create_table(
        "drafts",
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("agent_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_drafts_agent_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_drafts_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "agent_id", "kind", name=op.f("pk_drafts")),
    )
    op.create_table(
        "presence",
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("agent_id", BIG_ID, nullable=False),
        sa.Column("doing", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_presence_agent_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_presence_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "agent_id", name=op.f("pk_presence")),
    )
    op.create_table(
        "ratings",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("agent_id", BIG_ID, nullable=True),
        sa.Column("team_id", BIG_ID, nullable=True),
        sa.Column("requester_id", BIG_ID, nullable=True),
        sa.Column("state", sa.Text(), server_default="planned", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ratings_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ratings")),
        sqlite_autoincrement=True,
    )
    there = sa.text("next_at IS NOT NULL")
    op.create_index("ix_ratings_next", "ratings", ["next_at"], sqlite_where=there, postgresql_where=there)
    op.create_index(op.f("ix_ratings_rated_at"), "ratings", ["rated_at"], unique=False)
    op.create_index(op.f("ix_ratings_requester_id"), "ratings", ["requester_id"], unique=False)
    op.create_index(op.f("ix_ratings_ticket_id"), "ratings", ["ticket_id"], unique=False)
    op.create_table(
        "scheduled_replies",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("agent_id", BIG_ID, nullable=False),
        sa.Column("content", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("send_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_scheduled_replies_agent_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_scheduled_replies_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduled_replies")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_scheduled_replies_send_at"), "scheduled_replies", ["send_at"], unique=False)
    op.create_index(op.f("ix_scheduled_replies_ticket_id"), "scheduled_replies", ["ticket_id"], unique=False)
    op.create_table(
        "side_conversations",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("people", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("holds", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("agent_id", BIG_ID, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_side_conversations_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_side_conversations")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_side_conversations_ticket_id"), "side_conversations", ["ticket_id"], unique=False)
    op.create_table(
        "watchers",
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("agent_id", BIG_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_watchers_agent_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_watchers_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "agent_id", name=op.f("pk_watchers")),
    )
    op.create_index(op.f("ix_watchers_agent_id"), "watchers", ["agent_id"], unique=False)
    op.create_table(
        "requester_sessions",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_requester_sessions_person_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_requester_sessions")),
    )
    op.create_index(op.f("ix_requester_sessions_person_id"), "requester_sessions", ["person_id"], unique=False)
    op.add_column("agents", sa.Column("weight", sa.Integer(), server_default="1", nullable=False))
    op.add_column("agents", sa.Column("capacity", sa.Integer(), nullable=True))
    op.add_column("agents", sa.Column("skills", sa.JSON(), server_default="[]", nullable=False))
    op.add_column("agents", sa.Column("calendar_id", BIG_ID, nullable=True))
    op.add_column("agents", sa.Column("available", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("agents", sa.Column("away_from", sa.DateTime(timezone=True), nullable=True))
    op.add_column("agents", sa.Column("away_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("agents", sa.Column("hands_over", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("agents", sa.Column("signature", sa.Text(), server_default="", nullable=False))
    op.add_column("memberships", sa.Column("last_assigned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("messages", sa.Column("side_id", BIG_ID, nullable=True))
    op.create_index(op.f("ix_messages_side_id"), "messages", ["side_id"], unique=False)
    op.add_column("people", sa.Column("organisation_id", BIG_ID, nullable=True))
    op.add_column("people", sa.Column("language", sa.Text(), server_default="", nullable=False))
    op.add_column("people", sa.Column("time_zone", sa.Text(), server_default="", nullable=False))
    op.add_column("people", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("people", sa.Column("link_version", sa.Integer(), server_default="0", nullable=False))
    op.create_index(op.f("ix_people_organisation_id"), "people", ["organisation_id"], unique=False)
    op.add_column("teams", sa.Column("private", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("teams", sa.Column("strategy", sa.Text(), server_default="manual", nullable=False))
    op.add_column("teams", sa.Column("routing", sa.JSON(), server_default="{}", nullable=False))
    op.add_column("teams", sa.Column("calendar_id", BIG_ID, nullable=True))
    op.add_column("teams", sa.Column("signature", sa.Text(), server_default="", nullable=False))
    op.add_column("tickets", sa.Column("fields", sa.JSON(), server_default="{}", nullable=False))
    op.add_column("tickets", sa.Column("organisation_id", BIG_ID, nullable=True))
    op.add_column("tickets", sa.Column("parent_id", BIG_ID, nullable=True))
    op.add_column("tickets", sa.Column("resolution", sa.Text(), server_default="", nullable=False))
    op.add_column("tickets", sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("unroutable_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tickets", sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_tickets_due",
        "tickets",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    held = sa.text("assignee_id IS NOT NULL AND status IN ('new', 'open', 'pending', 'on_hold')")
    op.create_index("ix_tickets_held", "tickets", ["assignee_id"], sqlite_where=held, postgresql_where=held)
    op.create_index(op.f("ix_tickets_organisation_id"), "tickets", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_tickets_parent_id"), "tickets", ["parent_id"], unique=False)
    op.create_index(
        "ix_tickets_snoozed",
        "tickets",
        ["snoozed_until"],
        unique=False,
        sqlite_where=sa.text("snoozed_until IS NOT NULL"),
        postgresql_where=sa.text("snoozed_until IS NOT NULL"),
    )
    op.create_index("ix_tickets_team_status", "tickets", ["team_id", "status"], unique=False)
    op.create_index(
        "ix_tickets_reminded",
        "tickets",
        ["reminded_at"],
        unique=False,
        sqlite_where=sa.text("reminded_at IS NOT NULL"),
        postgresql_where=sa.text("reminded_at IS NOT NULL"),
    )
    op.create_index(
        "ix_tickets_unroutable",
        "tickets",
        ["unroutable_at"],
        unique=False,
        sqlite_where=sa.text("unroutable_at IS NOT NULL"),
        postgresql_where=sa.text("unroutable_at IS NOT NULL"),
    )
    op.create_table(
        "slack_threads",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("thread_ts", sa.Text(), nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_slack_threads_ticket_id")),
        sa.PrimaryKeyConstraint("channel", "thread_ts", name=op.f("pk_slack_threads")),
    )
    op.create_index(op.f("ix_slack_threads_ticket_id"), "slack_threads", ["ticket_id"], unique=False)
    op.create_table(
        "late_files",
        sa.Column("id", BIG_ID, sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("message_id", BIG_ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_late_files_message_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_late_files_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_late_files")),
        sa.UniqueConstraint("message_id", "place", name=op.f("uq_late_files_message_id_place")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_late_files_next_at"), "late_files", ["next_at"], unique=False)
    op.create_index(op.f("ix_late_files_ticket_id"), "late_files", ["ticket_id"], unique=False)
    ordered = sa.text("state = 'ordered'")
    op.create_index("ix_inbound_ordered", "inbound", ["id"], sqlite_where=ordered, postgresql_where=ordered)
    op.add_column("teams", sa.Column("slack_channel", sa.Text(), server_default="", nullable=False))
