"""Catches up: what 0001 to 0003 say today, for desks that were made while those files still changed.

Until they were frozen, migrations were edited after they had landed: a database may be at 0003 and lack tables, columns
and indexes that were added to the file later. Each of them is made here unless it is there; a desk that has them all
stays as it is. No row is lost; figures of tickets that are not as today's code writes them are counted anew from the
tickets' events, by the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FACTS = "ticket_facts"


def upgrade() -> None:
    _drop_figures_of_the_first_shape()
    for name, create in TABLES.items():
        if not _columns(name):
            create()
    added = {(table, column.name) for table, columns in COLUMNS.items() for column in _add(table, columns())}
    for name, (table, columns, where) in INDEXES.items():
        _index(name, table, columns, where)
    op.execute("DROP INDEX IF EXISTS ix_ticket_facts_status")
    _fill(added)


def _drop_figures_of_the_first_shape() -> None:
    """Nothing ever filled them; the table is made again below."""
    if "opened_slot" not in _columns(FACTS):
        op.execute("DROP TABLE IF EXISTS ticket_facts")


def _columns(table: str) -> set[str]:
    """The names of a table's columns; none if there is no such table."""
    inspector = sa.inspect(op.get_bind())
    return {column["name"] for column in inspector.get_columns(table)} if inspector.has_table(table) else set()


def _add(table: str, columns: list[sa.Column[Any]]) -> list[sa.Column[Any]]:
    """Add those columns that the table lacks; returns them."""
    names = _columns(table)
    lacking = [column for column in columns if column.name not in names]
    for column in lacking:
        op.add_column(table, column)
    return lacking


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    """Make the index; one of that name with another condition is made anew."""
    definition = _definition(name)
    if definition is not None and _has_condition(definition, where):
        return
    op.execute(f"DROP INDEX IF EXISTS {name}")
    part = sa.text(where) if where else None
    op.create_index(name, table, columns, unique=name in UNIQUE, sqlite_where=part, postgresql_where=part)


def _definition(name: str) -> str | None:
    bind = op.get_bind()
    query = "SELECT sql FROM sqlite_master WHERE type = 'index' AND name = :name"
    if bind.dialect.name == "postgresql":
        query = "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() AND indexname = :name"
    definition: str | None = bind.execute(sa.text(query), {"name": name}).scalar()
    return definition


def _has_condition(definition: str, where: str) -> bool:
    """PostgreSQL writes conditions in its own way; these words tell ours apart on both databases."""
    words = [word for word in ("releasing", "IS NOT NULL", "IS NULL") if word in where]
    return ("WHERE" in definition) == bool(where) and all(word in definition for word in words)


def _fill(added: set[tuple[str, str]]) -> None:
    """What today's code expects in columns that old rows did not have."""
    bind = op.get_bind()
    if ("side_conversations", "people") in added:
        sides = sa.table("side_conversations", sa.column("id"), sa.column("address"), sa.column("people", sa.JSON))
        rows = bind.execute(sa.select(sides.c.id, sides.c.address).where(sides.c.address != "")).all()
        for number, address in rows:
            bind.execute(sa.update(sides).where(sides.c.id == number).values(people=[address]))
    if ("ratings", "state") in added:
        op.execute(
            "UPDATE ratings SET state = CASE WHEN rated_at IS NULL THEN 'asked' ELSE 'rated' END, requester_id = "
            "(SELECT requester_id FROM tickets WHERE tickets.id = ratings.ticket_id)"
        )
    _count_anew()


def _count_anew() -> None:
    """Counted up to no event: the worker's next look counts them again, and reports stay whole meanwhile."""
    bind = op.get_bind()
    stale = bind.execute(sa.text("UPDATE ticket_facts SET last_event_id = 0 WHERE letters = ''")).rowcount
    counted = bind.execute(sa.text("SELECT 1 FROM ticket_facts LIMIT 1")).first()
    if stale or not counted:
        op.execute("DELETE FROM settings WHERE key IN ('ticket_facts', 'day_figures')")


def _incident_orders() -> None:
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


def _incident_reports() -> None:
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


def _incident_traffic() -> None:
    op.create_table(
        "incident_traffic",
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("category", "organisation", "hour", name=op.f("pk_incident_traffic")),
    )


def _ticket_facts() -> None:
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


def _day_figures() -> None:
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


def _loose_days() -> None:
    op.create_table(
        "loose_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_loose_days")),
    )


def _requester_sessions() -> None:
    op.create_table(
        "requester_sessions",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_requester_sessions_person_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_requester_sessions")),
    )


def _slack_threads() -> None:
    op.create_table(
        "slack_threads",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("thread_ts", sa.Text(), nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_slack_threads_ticket_id")),
        sa.PrimaryKeyConstraint("channel", "thread_ts", name=op.f("pk_slack_threads")),
    )


def _late_files() -> None:
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


TABLES: Mapping[str, Callable[[], None]] = {
    "incident_orders": _incident_orders,
    "incident_reports": _incident_reports,
    "incident_traffic": _incident_traffic,
    "ticket_facts": _ticket_facts,
    "day_figures": _day_figures,
    "loose_days": _loose_days,
    "requester_sessions": _requester_sessions,
    "slack_threads": _slack_threads,
    "late_files": _late_files,
}


def _text(name: str, default: str = "") -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False)


def _moment(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _id(name: str) -> sa.Column[Any]:
    return sa.Column(name, BIG_ID, nullable=True)


def _json(name: str, default: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON(), server_default=default, nullable=False)


COLUMNS: Mapping[str, Callable[[], list[sa.Column[Any]]]] = {
    "agents": lambda: [_flag("hands_over"), _text("signature")],
    "incident_tickets": lambda: [
        _text("state", "member"),
        sa.Column("likeness", sa.Float(), server_default="0", nullable=False),
    ],
    "people": lambda: [sa.Column("link_version", sa.Integer(), server_default="0", nullable=False)],
    "predictions": lambda: [_text("rule_category")],
    "ratings": lambda: [_id("requester_id"), _text("state", "planned"), _moment("next_at")],
    "side_conversations": lambda: [_json("people", "[]"), _text("state", "open"), _flag("holds")],
    "teams": lambda: [_json("routing", "{}"), _text("signature"), _text("slack_channel")],
    "ticket_facts": lambda: [
        sa.Column("next_response_business", sa.BigInteger(), nullable=True),
        sa.Column("met_next_response", sa.Boolean(), nullable=True),
        _id("resolved_slot"),
        _text("letters"),
    ],
    "tickets": lambda: [_moment("reminded_at")],
}

HELD = "assignee_id IS NOT NULL AND status IN ('new', 'open', 'pending', 'on_hold')"
# Name: table, columns, condition.
INDEXES: Mapping[str, tuple[str, list[str], str]] = {
    "ix_inbound_aside": ("inbound", ["id"], "state in ('quarantined', 'refused', 'releasing')"),
    "ix_inbound_ordered": ("inbound", ["id"], "state = 'ordered'"),
    "ix_incident_orders_incident_id": ("incident_orders", ["incident_id"], ""),
    "ix_incident_orders_waiting": ("incident_orders", ["id"], "done_at is null"),
    "ix_incident_reports_at": ("incident_reports", ["at"], ""),
    "ix_incident_traffic_hour": ("incident_traffic", ["hour"], ""),
    "ix_incidents_open": ("incidents", ["category", "organisation"], "state = 'open'"),
    "ix_late_files_next_at": ("late_files", ["next_at"], ""),
    "ix_late_files_ticket_id": ("late_files", ["ticket_id"], ""),
    "ix_loose_days_changed_at": ("loose_days", ["changed_at"], ""),
    "ix_ratings_next": ("ratings", ["next_at"], "next_at IS NOT NULL"),
    "ix_ratings_requester_id": ("ratings", ["requester_id"], ""),
    "ix_requester_sessions_person_id": ("requester_sessions", ["person_id"], ""),
    "ix_slack_threads_ticket_id": ("slack_threads", ["ticket_id"], ""),
    "ix_ticket_facts_open": (FACTS, ["team_id", "agent_id", "status", "opened_at"], "resolved_at IS NULL"),
    "ix_ticket_facts_opened_at": (FACTS, ["opened_at"], ""),
    "ix_ticket_facts_resolved_at": (FACTS, ["resolved_at"], "resolved_at IS NOT NULL"),
    "ix_tickets_held": ("tickets", ["assignee_id"], HELD),
    "ix_tickets_reminded": ("tickets", ["reminded_at"], "reminded_at IS NOT NULL"),
}
UNIQUE = {"ix_incidents_open"}
