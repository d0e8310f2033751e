"""Tables of reports: one row per ticket, daily sums, and the days whose sums are out of date.

They share the metadata of `storage.tables.tickets`; migrations create them. They name no requester.
"""

from __future__ import annotations

import sqlalchemy as sa

from desk.reports.ticket_figures import TARGETS
from storage.tables.column_types import BigId, at, flag, number, text
from storage.tables.tickets import metadata

STATUSES = ("new", "open", "pending", "on_hold")
"""Those in which time is counted."""

_OPEN, _DONE = sa.text("resolved_at IS NULL"), sa.text("resolved_at IS NOT NULL")

ticket_facts = sa.Table(
    "ticket_facts",
    metadata,
    sa.Column("ticket_id", BigId, primary_key=True, autoincrement=False),
    at("opened_at", nullable=False, index=True),
    at("resolved_at"),
    at("closed_at"),
    sa.Column("status", sa.Text, nullable=False),
    text("channel"),
    text("category"),
    text("priority"),
    sa.Column("team_id", BigId),
    sa.Column("agent_id", BigId),
    sa.Column("organisation_id", BigId),
    *(sa.Column(f"{name}_{kind}", sa.BigInteger) for name in TARGETS for kind in ("seconds", "business")),
    *(sa.Column(f"seconds_{name}", sa.BigInteger, nullable=False) for name in STATUSES),
    number("replies"),
    number("reopened"),
    flag("one_touch"),
    *(sa.Column(f"met_{name}", sa.Boolean) for name in TARGETS),
    sa.Column("score", sa.Integer),
    sa.Column("opened_slot", BigId, nullable=False),
    sa.Column("resolved_slot", BigId),
    text("letters"),
    sa.Column("last_event_id", BigId),
    sa.Index("ix_ticket_facts_resolved_at", "resolved_at", sqlite_where=_DONE, postgresql_where=_DONE),
    sa.Index(
        "ix_ticket_facts_open", "team_id", "agent_id", "status", "opened_at", sqlite_where=_OPEN, postgresql_where=_OPEN
    ),
)

# Team and agent 0 are nobody. `view` says what `value` is: a channel, a category, a priority, or nothing.
day_figures = sa.Table(
    "day_figures",
    metadata,
    sa.Column("view", sa.Text, primary_key=True),
    sa.Column("side", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("team_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("agent_id", BigId, primary_key=True, autoincrement=False),
    *(number(name) for name in ("count", "one_touch", "reopened", "rated", "good", "score_sum")),
    *(number(f"{kept}_{name}") for name in TARGETS for kept in ("kept", "broken")),
    *(sa.Column(f"seconds_{name}", sa.BigInteger, nullable=False) for name in STATUSES),
    *(
        sa.Column(f"{name}_{kind}", sa.BigInteger, nullable=False)
        for name in TARGETS
        for kind in ("seconds", "business")
    ),
    text("letters"),
    text("quarters"),
    sqlite_with_rowid=False,
)

loose_days = sa.Table(
    "loose_days",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    at("changed_at", nullable=False, index=True),
)
