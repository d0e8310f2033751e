"""The training in a process of its own: it takes over when it is done, and a killed one has changed nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from classifier.starter import shipped
from storage.learning import categories, models
from storage.open_store import Store
from storage.runtime import key_values
from workers.runtime.active_model import ModelWatch, register_starter
from workers.training.process import Trainer, started
from workers.training.train import TrainingRequest, retrain

pytestmark = [pytest.mark.usefixtures("small_starter"), pytest.mark.slow]

PATIENCE = 90.0


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def progress(store: Store) -> dict[str, object]:
    with store.database.reading() as session:
        return dict(key_values.get(session, key_values.PROGRESS) or {})


def active(store: Store) -> models.Model:
    with store.database.reading() as session:
        found = models.active_model(session)
    assert found is not None
    return found


def test_a_new_category_is_known_to_the_worker_after_the_training_that_it_asked_for(any_store: Store) -> None:
    now = datetime.now(UTC)
    register_starter(any_store, now)
    with any_store.database.transaction() as session:
        categories.save(session, "Facilities / Plants", "begonia begonias plants watering", now)
    trainer = Trainer(any_store)
    assert (trainer.start(), trainer.start()) == (1, 0), "one at a time in a process"
    until(lambda: active(any_store).made_by == "retrain")
    current = ModelWatch(any_store).load_active(shipped(), now)
    (guess,) = current.guess(["begonias need watering"])
    assert "Facilities / Plants" in [guess.category, *(name for name, _ in guess.runners_up)]
    until(lambda: progress(any_store).get("running") is False)
    assert str(progress(any_store)["result"]).startswith("active")
    with any_store.database.reading() as session:
        assert key_values.get(session, key_values.ASKED) is None


def test_a_training_that_is_killed_halfway_changes_nothing_and_the_next_one_works(store: Store) -> None:
    now = datetime.now(UTC)
    register_starter(store, now)
    child = started(store)
    try:
        until(lambda: bool(progress(store)))
    finally:
        child.kill()
        child.wait()
    assert active(store).made_by == models.SHIPPED

    def later() -> datetime:
        return datetime.now(UTC) + timedelta(minutes=2)

    assert retrain(store, later, TrainingRequest()).state == models.ACTIVE


def test_a_training_that_went_well_ends_well(store: Store) -> None:
    register_starter(store, datetime.now(UTC))
    child = started(store)
    assert child.wait(PATIENCE) == 0
    assert active(store).made_by == "retrain"


def test_a_training_ends_with_the_process_that_started_it(store: Store) -> None:
    child = started(store)
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(PATIENCE) in (0, 1)
