"""From an agent's word to a better guess: corrections, retraining, the worker's change of model, and undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from classifier import shelf
from desk.tickets import transitions
from desk.tickets.ticket import Actor, ActorKind
from storage.learning import models
from storage.open_store import Store
from storage.runtime import key_values, locks
from storage.tickets import corrections, tickets
from tests.small_desk import ALICE, CAROL, SmallDesk
from tests.storage.rows import corrections_of_ticket
from workers.runtime.active_model import ModelWatch, register_starter
from workers.training import schedule as training_schedule
from workers.training import train as training
from workers.training.train import Busy, TrainingRequest

pytestmark = [pytest.mark.usefixtures("small_starter"), pytest.mark.slow]

GARDEN = (
    "The begonias on the roof terrace need watering",
    "Who waters the begonias while Kim is away?",
    "Begonias on the terrace look dry again",
)


@pytest.fixture
def desk(store: Store) -> SmallDesk:
    made = SmallDesk(store, delivers=False)
    register_starter(store, made.now)
    made.context.watch = ModelWatch(store)
    return made


def now_of(desk: SmallDesk) -> Callable[[], datetime]:
    return lambda: desk.now


def say(desk: SmallDesk, number: int, category: str) -> None:
    """An agent sets the category."""
    alice = Actor(ActorKind.AGENT, desk.alice.id, "Alice")
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, number, lock=True)
        assert ticket is not None
        tickets.save(session, transitions.set_category(ticket, category, alice, desk.now, via="console"))


def look(desk: SmallDesk) -> None:
    """What the worker does every few seconds."""
    assert desk.context.watch is not None
    desk.context.categoriser = desk.context.watch.load_active(desk.context.categoriser, desk.now)


def taught(desk: SmallDesk) -> None:
    for number, text in enumerate(GARDEN, start=1):
        desk.receive(desk.mail(CAROL if number == 1 else f"p{number}@home.example.test", "Plants", text))
        say(desk, number, "Facilities / Plants")


def test_three_words_of_an_agent_change_what_the_worker_guesses_and_the_reasons_name_the_new_words(
    desk: SmallDesk,
) -> None:
    taught(desk)
    desk.later(hours=1)
    made = training.retrain(desk.store, now_of(desk), TrainingRequest())
    assert (made.state, made.examples) == (models.ACTIVE, 3)
    look(desk)
    desk.receive(desk.mail("new@home.example.test", "Plants", "Please water the begonias tomorrow"))
    with desk.store.database.reading() as session:
        guess = tickets.prediction_of(session, 4)
    assert guess is not None
    assert guess["model_version"] == made.version
    assert guess["category"] == "Facilities / Plants"
    assert "begonias" in [word for word, _ in guess["reasons"]]


def test_an_agents_command_by_mail_is_a_correction_too(store: Store) -> None:
    desk = SmallDesk(store)
    desk.receive(desk.mail(CAROL, "Plants", GARDEN[0]))
    address = desk.notice_address(desk.alice, 1)
    desk.receive(desk.mail(ALICE, "Re: Plants", "#category Facilities / Plants\n", to=address))
    with store.database.reading() as session:
        (row,) = corrections_of_ticket(session, 1)
    assert (row["via"], row["after"], row["agent_id"]) == ("email", "Facilities / Plants", desk.alice.id)


def test_a_dry_run_changes_nothing(desk: SmallDesk) -> None:
    taught(desk)
    made = training.retrain(desk.store, now_of(desk), TrainingRequest(dry_run=True))
    assert made.examples == 3
    with desk.store.database.reading() as session:
        assert [one.version for one in models.list_all(session)] == [desk.context.categoriser.parts.version]


def test_two_trainings_do_not_run_at_once(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        locks.acquire(session, training.LEASE, "somebody else", desk.now, training.LEASE_LENGTH)
    with pytest.raises(Busy):
        training.retrain(desk.store, now_of(desk), TrainingRequest())
    desk.later(minutes=2)
    assert training.retrain(desk.store, now_of(desk), TrainingRequest()).state == models.ACTIVE, (
        "a dead one's lease ends"
    )


def test_a_training_that_breaks_off_changes_nothing_and_the_next_one_works(
    desk: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught(desk)

    def dies(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(shelf, "place", dies)
        with pytest.raises(MemoryError):
            training.retrain(desk.store, now_of(desk), TrainingRequest())
    with desk.store.database.reading() as session:
        active, progress = models.active_model(session), key_values.get(session, key_values.PROGRESS)
    assert active is not None and active.made_by == models.SHIPPED
    assert (progress["running"], progress["result"]) == (False, "failed: MemoryError")
    assert training.retrain(desk.store, now_of(desk), TrainingRequest()).state == models.ACTIVE


def test_only_the_newest_five_models_keep_their_files(desk: SmallDesk) -> None:
    for _ in range(6):
        desk.later(hours=3)
        training.retrain(desk.store, now_of(desk), TrainingRequest())
    with desk.store.database.reading() as session:
        states = [one.state for one in models.list_all(session)]
    assert states == ["active", "kept", "kept", "kept", "kept", "removed", "removed"]
    folder = desk.store.settings.data / models.FOLDER
    assert len([path for path in folder.iterdir() if not path.name.startswith(".")]) == 5


@pytest.mark.parametrize("harm", ["truncated", "foreign", "tampered", "planted", "gone"])
def test_a_model_whose_files_cannot_be_trusted_never_takes_over(desk: SmallDesk, harm: str) -> None:
    before = desk.context.categoriser
    made = training.retrain(desk.store, now_of(desk), TrainingRequest())
    directory = desk.store.settings.data / models.FOLDER / made.version
    spoil(desk, directory.name, harm)
    for _ in range(3):
        look(desk)
        assert desk.context.categoriser is before
    with desk.store.database.reading() as session:
        active, broken = models.active_model(session), models.get(session, made.version)
    assert active is not None and active.made_by == models.SHIPPED
    assert broken is not None and broken.state == models.BROKEN and broken.reason
    assert not (desk.store.settings.data / "owned").exists(), "no code of the artefact ran"
    desk.later(hours=1)
    training.retrain(desk.store, now_of(desk), TrainingRequest())
    with desk.store.database.reading() as session:
        assert not models.has_broken(session), "the alarm ends with a new model"


def spoil(desk: SmallDesk, version: str, harm: str) -> None:
    directory = desk.store.settings.data / models.FOLDER / version
    if harm == "truncated":
        content = (directory / "model.npz").read_bytes()
        (directory / "model.npz").write_bytes(content[: len(content) // 2])
    elif harm == "foreign":
        (directory / "meta.json").write_text('{"format": 1, "sha256": {}}')
    elif harm == "tampered":
        # With checksums that fit, as whoever can write there would do it: the ledger knows better.
        parts = shelf.load(directory.parent, version).parts
        shelf.discard(directory)
        shelf.place(replace(parts, temperature=parts.temperature * 2), directory.parent)
    elif harm == "planted":
        owned = desk.store.settings.data / "owned"
        pickle = b"cposix\nsystem\n(S'touch " + str(owned).encode() + b"'\ntR."
        (directory / "model.npz").write_bytes(pickle)
    else:
        shelf.discard(directory)


def test_a_training_is_due_after_fifty_words_each_night_and_when_asked(desk: SmallDesk) -> None:
    assert not is_due(desk)
    desk.receive(desk.mail(CAROL, "Plants", GARDEN[0]))
    say(desk, 1, "Facilities / Plants")
    desk.now = desk.now.replace(hour=22)
    assert not is_due(desk), "one word can wait for the night"
    desk.later(hours=5, minutes=1)
    assert is_due(desk)
    training.retrain(desk.store, now_of(desk), TrainingRequest())
    desk.later(days=1)
    assert not is_due(desk), "nothing new since"
    for number in range(50):
        say(desk, 1, f"Category {number}")
    assert is_due(desk)
    training.retrain(desk.store, now_of(desk), TrainingRequest())
    with desk.store.database.transaction() as session:
        assert corrections.count_after(session, 0) == 51
        key_values.put(session, key_values.ASKED, {"why": "a person asked", "at": desk.now.isoformat()})
    assert is_due(desk)


def is_due(desk: SmallDesk) -> bool:
    with desk.store.database.reading() as session:
        return training_schedule.is_due(session, desk.now, "UTC")
