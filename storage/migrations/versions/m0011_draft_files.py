"""Drafts keep the files that were attached to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("drafts", sa.Column("files", sa.JSON(), server_default="[]", nullable=False))
