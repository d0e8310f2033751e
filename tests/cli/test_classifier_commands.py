"""`frontdesk classifier`: what it prints, what it changes, and how it refuses; categories and keyword rules."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import frontdesk
from classifier import artefact, starter
from classifier.explanation import explanation as explain
from cli.tickets import explanation
from desk.rules.keyword_rules import BadRule, Rule, words_of
from storage.learning import keyword_rules, models
from storage.open_store import Store
from storage.runtime import logging_setup
from tests.cli.configured import configure
from tests.small_desk import CAROL, SmallDesk
from tests.workers.training.test_learning_loop import GARDEN, say
from workers.runtime.active_model import register_starter

pytestmark = pytest.mark.slow

Say = Callable[..., Any]


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch, store: Store) -> Store:
    monkeypatch.setattr(logging_setup, "configure_logging", lambda _settings: None)
    monkeypatch.setenv("FRONTDESK_DATA_DIR", store.settings.data_dir)
    monkeypatch.setenv("FRONTDESK_SECRET_KEY", store.settings.secret_key)
    monkeypatch.setenv("FRONTDESK_MAIL_DOMAIN", "desk.example.test")
    register_starter(store, datetime.now(UTC))
    return store


@pytest.fixture
def ask(quiet: Store, capsys: pytest.CaptureFixture[str]) -> Say:
    """One command with --json; returns its answer."""

    def answer(*words: str) -> Any:
        capsys.readouterr()
        assert frontdesk.main([*words, "--json"]) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return answer


@pytest.fixture
def told(quiet: Store, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """The status and what a person reads."""

    def answer(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        status = frontdesk.main([*words])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return answer


@pytest.fixture
def garden(quiet: Store) -> SmallDesk:
    """Three tickets that an agent labelled."""
    desk = SmallDesk(quiet, delivers=False)
    for number, text in enumerate(GARDEN, start=1):
        desk.receive(desk.mail(CAROL if number == 1 else f"p{number}@home.example.test", "Plants", text))
        say(desk, number, "Facilities / Plants")
    return desk


def test_train_promote_and_roll_back(ask: Say, garden: SmallDesk) -> None:
    assert ask("classifier", "status")["new_corrections"] == 3
    tried = ask("classifier", "train", "--dry-run")
    assert tried["report"]["said"] == 3
    assert len(ask("classifier", "status")["models"]) == 1
    made = ask("classifier", "train")
    assert (made["state"], made["made_by"]) == ("active", "command")
    now = ask("classifier", "status")
    assert (now["new_corrections"], now["models"][0]["version"]) == (0, made["version"])
    assert ask("classifier", "rollback")["version"] == starter.VERSION
    assert ask("classifier", "promote", made["version"])["state"] == "active"


def test_explain_names_the_new_words_after_training(ask: Say, told: Say, garden: SmallDesk) -> None:
    ask("classifier", "train")
    found = ask("classifier", "explain", "who waters the begonias")
    assert found["category"] == "Facilities / Plants"
    assert "begonias" in [word for word, _ in found["words_for"]]
    assert ask("classifier", "explain", "--ticket", "1")["category"] == "Facilities / Plants"
    status, text = told("classifier", "explain", "who waters the begonias")
    assert (status, "\x1b[" in text, "begonias" in text) == (0, False, True), "no colour where there is no terminal"
    assert told("classifier", "explain")[0] == 64
    assert told("classifier", "explain", "x", "--category", "Nonsense")[0] == 1


def test_a_terminal_gets_colour_unless_it_wants_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = starter.shipped()
    found = explain(model, "I cannot log in")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    explanation.show(found, "I cannot log in \x1b[2J")
    printed = capsys.readouterr().out
    assert "\x1b[32" in printed and "\x1b[2J" not in printed
    monkeypatch.setenv("NO_COLOR", "1")
    explanation.show(found, "I cannot log in")
    assert "\x1b[" not in capsys.readouterr().out


def test_a_model_travels_as_a_zip_of_three_files(ask: Say, told: Say, garden: SmallDesk, tmp_path: Path) -> None:
    made = ask("classifier", "train")
    target = tmp_path / "model.zip"
    ask("classifier", "export", str(target))
    with zipfile.ZipFile(target) as archive:
        assert sorted(archive.namelist()) == ["meta.json", "model.npz", "vocab.json"]
    assert told("classifier", "import", str(target))[0] == 1, "it is here already"
    with garden.store.database.transaction() as session:
        models.set_state(session, made["version"], models.BROKEN)
    status, text = told("classifier", "import", str(tmp_path / "nothing.zip"))
    assert (status, "nothing.zip" in text) == (1, True)
    (tmp_path / "evil.zip").write_bytes(b"cposix\nsystem\n(S'touch owned'\ntR.")
    assert told("classifier", "import", str(tmp_path / "evil.zip"))[0] == 1


def test_a_model_that_is_taken_in_waits_until_it_is_promoted(ask: Say, tmp_path: Path) -> None:
    artefact.write(replace(starter.shipped().parts, version="from-elsewhere"), tmp_path / "given")
    assert ask("classifier", "import", str(tmp_path / "given"))["state"] == "candidate"
    assert ask("classifier", "promote", "from-elsewhere")["state"] == "active"


def test_evaluate_history_and_teach_answer(ask: Say, told: Say, garden: SmallDesk) -> None:
    found = ask("classifier", "evaluate", "--new")
    assert (found["count"], found["unseen"]) == (3, True)
    assert told("classifier", "evaluate")[0] == 0
    weeks = ask("classifier", "history", "--weeks", "600")["weeks"]
    assert sum(week["said"] for week in weeks) == 3
    assert ask("classifier", "teach") == []
    assert told("classifier", "status")[0] == told("classifier", "history")[0] == told("classifier", "teach")[0] == 0


def test_a_keyword_rule_is_switched_on_only_after_it_was_tested(garden: SmallDesk) -> None:
    words = words_of([], ["begonia*", "fern"], [])
    with garden.store.database.transaction() as session:
        keyword_rules.save(session, Rule("plants", "Facilities / Plants", words, hard=True, position=0), garden.now)
        rule = keyword_rules.get(session, "plants")
        assert rule
        with pytest.raises(BadRule):
            keyword_rules.set_active(session, rule, on=True)
        trial = keyword_rules.run_test(session, rule, garden.now)
        assert trial.sentence == "would have changed 3 tickets, 3 of them as agents had them"
        tested = keyword_rules.get(session, "plants")
        assert tested and tested.test["sentence"] == trial.sentence
        keyword_rules.set_active(session, tested, on=True)
        keyword_rules.remove(session, tested)
        assert keyword_rules.list_all(session) == []


def test_a_keyword_rule_without_words_is_none() -> None:
    with pytest.raises(BadRule):
        words_of([], [], [])


def test_a_category_is_added_and_retired_by_the_file(ask: Say, told: Say, quiet: Store) -> None:
    configure(
        quiet,
        """
[[category]]
name = "Airships"
words = "zeppelin blimp"
[[category]]
name = "Access / Authentication"
active = false
""",
    )
    made = ask("classifier", "train")
    assert made["state"] == "active"
    assert ask("classifier", "explain", "a blimp and a zeppelin")["category"] == "Airships"
    assert told("classifier", "explain", "x", "--category", "Access / Authentication")[0] == 1
