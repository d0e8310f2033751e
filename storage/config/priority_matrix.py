"""The desk's own priority matrix, stored as one setting; without it the matrix of the process's settings counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from desk.config.settings import Settings
from desk.priority import assess as priority
from storage.db.session import Session
from storage.open_store import Store
from storage.runtime import key_values

KEY = "priority_matrix"


def matrix_rows(session: Session, settings: Settings) -> tuple[str, ...]:
    """The rows of the matrix, such as `one = high medium medium low`."""
    return tuple(key_values.get(session, KEY) or settings.priority_matrix)


def set_matrix_rows(session: Session, matrix: Sequence[str]) -> None:
    """Stores the matrix; without rows the process's setting counts again. Raises BadMatrix."""
    if matrix:
        priority.matrix(tuple(matrix))
    key_values.put(session, KEY, list(matrix))


def with_stored_matrix(session: Session, store: Store, usual: tuple[str, ...]) -> Store:
    """The same store, whose settings have the stored matrix; `usual` is the one that the process was started with."""
    matrix = tuple(key_values.get(session, KEY) or usual)
    if matrix == store.settings.priority_matrix:
        return store
    return replace(store, settings=replace(store.settings, priority_matrix=matrix))
