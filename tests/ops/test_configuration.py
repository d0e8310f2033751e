"""The desk as a file: what it says is checked, done once, shown before, and can be written back."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import frontdesk
from cli.data.apply import STARTERS, starters
from desk.config.desk_toml import KINDS, BadConfiguration, read, steps, to_toml
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from storage.runtime import logging_setup
from usecases.config import apply as configuration
from usecases.config import export as configuration_export
from usecases.rules import automations

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DESK = """
[[calendar]]
name = "Office"
time_zone = "Europe/Berlin"
slots = [{ days = "mon-fri", from = "09:00", to = "17:00" }]
[[team]]
name = "Billing"
strategy = "least-loaded"
calendar = "Office"
members = ["ada@corp.example.test"]
[[agent]]
address = "Ada@corp.example.test"
name = "Ada"
role = "lead"
skills = ["German"]
capacity = 8
signature = "Ada, {team.name}"
[[mailbox]]
address = "billing@desk.example.test"
team = "Billing"
[[organisation]]
name = "Corp"
domains = ["corp.example.test"]
[[category]]
name = "Facilities / Plants"
words = "plant watering"
[[field]]
name = "order_number"
label = "Order number"
[[keyword_rule]]
name = "Invoices"
category = "Billing / Invoice"
any = ["invoice copy"]
active = true
[[route]]
name = "Money"
conditions = [{ field = "category", under = "Billing" }]
actions = [{ team = "Billing" }]
[[sla]]
name = "Standard"
calendar = "Office"
targets = { first_response = { high = "4h", medium = "8h" } }
[[automation]]
name = "Nudge"
when = { silent_hours = 24 }
actions = [{ notify = ["lead"] }]
active = true
[[macro]]
name = "Hello"
text = "Hello {requester.name}"
team = "Billing"
"""
Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    monkeypatch.setattr(logging_setup, "configure_logging", lambda _settings: None)
    monkeypatch.setenv("FRONTDESK_DATA_DIR", store.settings.data_dir)
    monkeypatch.setenv("FRONTDESK_SECRET_KEY", store.settings.secret_key)

    def answer(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = frontdesk.main(list(words))
        out = capsys.readouterr()
        return status, out.out, out.err

    return answer


def test_a_file_makes_the_desk_once_and_the_second_time_there_is_nothing_to_do(any_store: Store) -> None:
    wanted = read(tomllib.loads(DESK))
    with any_store.database.transaction() as session:
        assert len(configuration.apply(session, wanted, NOW)) == len(wanted)
    with any_store.database.transaction() as session:
        assert configuration.apply(session, wanted, NOW) == []
        ada = people.by_address(session, "ada@corp.example.test")
        (nudge,) = automations.list_all(session)
    assert ada is not None and ada.role == "lead"
    assert nudge.active


def test_what_is_exported_makes_the_same_desk(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        configuration.apply(session, read(tomllib.loads(DESK)), NOW)
        state = configuration_export.current_configuration(session)
    assert read(tomllib.loads(to_toml(state))) == {kind: entries for kind, entries in state.items() if entries}


def test_a_change_is_shown_from_and_to_and_prune_removes_the_rest(any_store: Store) -> None:
    with any_store.database.transaction() as session:
        configuration.apply(session, read(tomllib.loads(DESK)), NOW)
        changed = read(
            tomllib.loads(DESK.replace('"4h"', '"2h"').split("[[macro]]")[0] + "\n[[macro]]\nname = 'Bye'\ntext='x'")
        )
        taken = configuration.apply(session, changed, NOW, prune=True)
        present = configuration_export.current_configuration(session)
    assert [(step.what, step.kind, step.name) for step in taken] == [
        ("changed", "sla", "Standard"), ("added", "macro", "Bye"), ("removed", "macro", "Hello"),
    ]  # fmt: skip
    assert '"high": "4h"' in taken[0].words() and '"high": "2h"' in taken[0].words()
    assert list(present["macro"]) == ["Bye"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[teem]]\nname='x'", "[[teem]] is nothing that a desk has"),
        ("[team]\nname='x'", "should be written [[team]]"),
        ("[[team]]\n", "name is missing"),
        ("[[team]]\nname='x'\ncolour='red'", "'colour' is unknown"),
        ("[[team]]\nname='x'\nprivate='yes'", "private should be true or false"),
        ("[[team]]\nname='x'\n[[team]]\nname='x'", "there twice"),
        ("[[team]]\nname='x'\nmembers=['nobody@x.test']", "there is no agent 'nobody@x.test'"),
        ("[[team]]\nname='x'\ncalendar='y'", "there is no calendar 'y'"),
        ("[[team]]\nname='x'\nstrategy='dice'", "strategy should be one of"),
        ("[[route]]\nname='x'\nactions=[{fly='y'}]", "is no action"),
        ("[[sla]]\nname='x'\ntargets={}", "targets has no target"),
        ("[[automation]]\nname='x'\nwhen={event='fly'}\nactions=[{tag='y'}]", "does not happen"),
        ("[[calendar]]\nname='x'\ntime_zone='Mars'", "no time zone"),
    ],
)
def test_a_wrong_file_changes_nothing_and_says_where(say: Say, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "desk.toml"
    file.write_text(f"[[macro]]\nname='first'\ntext='t'\n{text}")
    status, _, told = say("apply", str(file))
    assert status == 64
    assert said in told
    assert "first" not in say("macro", "list", "--json")[1]


def test_a_dry_run_says_the_steps_and_writes_nothing(say: Say, tmp_path: Path) -> None:
    file = tmp_path / "desk.toml"
    file.write_text(DESK)
    status, told, _ = say("apply", str(file), "--dry-run")
    assert status == 0
    assert "would be added    sla 'Standard'" in told and "nothing was written" in told
    assert say("export-config")[1] == ""
    assert json.loads(say("apply", str(file), "--json")[1])["dry_run"] is False
    assert tomllib.loads(say("export-config")[1])["sla"][0]["name"] == "Standard"


@pytest.mark.parametrize("name", starters())
def test_the_starter_sets_apply_and_are_whole(any_store: Store, name: str) -> None:
    wanted = read(tomllib.loads((STARTERS / f"{name}.toml").read_text(encoding="utf-8")))
    for _ in range(2):
        with any_store.database.transaction() as session:
            taken = configuration.apply(session, wanted, NOW)
    assert taken == []


def test_members_that_a_file_does_not_mention_stay(any_store: Store) -> None:
    """A starter set on a desk that has people must not leave its mail to nobody."""
    with any_store.database.transaction() as session:
        support = people.add_team(session, "Support")
        ada = people.add_agent(session, NewAgent("ada@corp.example.test", "Ada", "admin", "", [support.id]), NOW)
        starter = read(tomllib.loads((STARTERS / "customer.toml").read_text(encoding="utf-8")))
        configuration.apply(session, starter, NOW)
        assert [one.id for one in people.members(session, [support.id])[support.id]] == [ada.id]
        configuration.apply(session, read({"team": [{"name": "Support", "members": []}]}), NOW)
        assert people.members(session, [support.id])[support.id] == []


texts = st.text(max_size=20)
values: Any = st.recursive(
    texts | st.booleans() | st.integers(-9, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=20).map(lambda t: f"n{t}".strip()), st.tuples(texts, st.lists(values, max_size=3))
    )
)
def test_any_state_is_written_as_toml_that_reads_the_same(entries: dict[str, tuple[str, list[Any]]]) -> None:
    state = {"macro": {name: {"text": text, "actions": done, "team": ""} for name, (text, done) in entries.items()}}
    again = read(tomllib.loads(to_toml(state)))
    assert again.get("macro", {}) == state["macro"]
    assert steps(state, again) == []


def test_every_kind_has_a_keeper_and_is_exported() -> None:
    assert set(configuration._put) == set(configuration_export._without_empty) == set(KINDS)


def test_a_table_that_is_none_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="should be a table"):
        read({"team": ["x"]})
