"""Accounts of people on channels are rows (person, channel, account); until now Slack's stood in a column of people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "channel_accounts",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("person_id", BIG_ID, nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_channel_accounts_person_id")),
        sa.PrimaryKeyConstraint("channel", "account", name=op.f("pk_channel_accounts")),
    )
    op.create_index(op.f("ix_channel_accounts_person_id"), "channel_accounts", ["person_id"])
    op.execute(
        "INSERT INTO channel_accounts (channel, account, person_id, added_at) "
        "SELECT 'slack', slack_user, min(id), min(created_at) FROM people WHERE slack_user <> '' GROUP BY slack_user"
    )
    op.drop_index(op.f("ix_people_slack_user"), "people")
    # SQLite drops a column by itself since 3.35; a table written anew would lose the triggers of the search.
    op.execute("ALTER TABLE people DROP COLUMN slack_user")
