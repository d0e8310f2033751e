"""Other addresses of agents: seen at an agent's signed address, confirmed by the agent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "agent_aliases",
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("agent_id", BIG_ID, sa.ForeignKey("agents.id", name="fk_agent_aliases_agent_id"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("address", "agent_id", name="pk_agent_aliases"),
    )
    op.create_index("ix_agent_aliases_agent_id", "agent_aliases", ["agent_id"])
