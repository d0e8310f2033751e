"""The small desk, on both databases."""

from __future__ import annotations

import pytest

from storage.open_store import Store
from tests.small_desk import SmallDesk


@pytest.fixture
def desk(store: Store) -> SmallDesk:
    return SmallDesk(store)


@pytest.fixture
def any_desk(any_store: Store) -> SmallDesk:
    return SmallDesk(any_store)
