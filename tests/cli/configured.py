"""What `frontdesk apply` makes of a piece of desk.toml: once as a call, once as the command."""

from __future__ import annotations

import io
import tomllib
from datetime import UTC, datetime

import pytest

import frontdesk
from desk.config.desk_toml import read
from storage.open_store import Store
from usecases.config import apply as configuration


def configure(store: Store, text: str) -> None:
    with store.database.transaction() as session:
        configuration.apply(session, read(tomllib.loads(text)), datetime.now(UTC))


def apply(monkeypatch: pytest.MonkeyPatch, text: str) -> int:
    """The exit status of `frontdesk apply -`."""
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    return frontdesk.main(["apply", "-"])
