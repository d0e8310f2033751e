"""`frontdesk route` and `agent away|back|show`, as somebody at a keyboard uses them; teams and rules of the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import frontdesk
from desk.config.desk_toml import BadConfiguration
from desk.routing.routing import Strategy
from storage.open_store import Store
from tests.cli.configured import apply, configure
from tests.workers.routing.test_routing import RoutedDesk
from usecases.config.export import current_configuration

ALICE = "alice@corp.example.test"


@pytest.fixture
def desk(store: Store, monkeypatch: pytest.MonkeyPatch) -> RoutedDesk:
    monkeypatch.setenv("FRONTDESK_DATA_DIR", str(Path(store.settings.data_dir)))
    monkeypatch.setenv("FRONTDESK_SECRET_KEY", store.settings.secret_key)
    return RoutedDesk(store, Strategy.LEAST_LOADED, agents=2)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert frontdesk.main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert frontdesk.main(list(words)) != 0
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("actions", "why"),
    [
        ('{ team = "Nope" }', "there is no team 'Nope'"),
        ('{ assign = "nobody@corp.example.test" }', "there is no agent 'nobody@corp.example.test'"),
        ('[{ tag = "x" }, { assign = "Nobody" }]', "there is no agent 'Nobody'"),
    ],
)
def test_a_rule_that_leads_nowhere_is_warned_about(
    desk: RoutedDesk,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    actions: str,
    why: str,
) -> None:
    assert apply(monkeypatch, f'[[route]]\nname = "x"\nactions = {actions}') == 0
    assert f"warning: [[route]] 'x': {why}" in capsys.readouterr().err


def test_a_rule_that_leads_to_a_team_or_an_agent_is_not_warned_about(
    desk: RoutedDesk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for actions in ('{ team = "support" }', f'{{ assign = "{ALICE}" }}', '{ assign = "alice agent" }'):
        assert apply(monkeypatch, f'[[route]]\nname = "x"\nactions = {actions}') == 0
        assert capsys.readouterr().err == ""


def test_a_rule_that_cannot_be_meant_is_refused(desk: RoutedDesk, store: Store) -> None:
    with pytest.raises(BadConfiguration, match="is no action"):
        configure(store, '[[route]]\nname = "x"\nactions = { dance = "now" }')


def test_an_absence_that_cannot_be_meant_is_refused(desk: RoutedDesk, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no agent" in refused(capsys, "agent", "away", "nobody@corp.example.test")
    assert "still to come" in refused(capsys, "agent", "away", ALICE, "--until", "2020-01-01")
    assert "is no date" in refused(capsys, "agent", "away", ALICE, "--until", "tomorrow")


def test_agents_are_away_and_back_and_shown_as_the_file_has_them(
    desk: RoutedDesk, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(
        store,
        f"""
[[calendar]]
name = "Office"
slots = [{{ days = "mon-fri", from = "09:00", to = "17:00" }}]
[[agent]]
address = "{ALICE}"
skills = ["German", "VPN"]
capacity = 8
weight = 2
calendar = "Office"
""",
    )
    seen = said(capsys, "agent", "show", ALICE)
    assert (seen["skills"], seen["capacity"], seen["weight"]) == (["German", "VPN"], 8, 2)
    assert said(capsys, "agent", "away", ALICE, "--until", "2050-01-01")["absence"].startswith(
        "is away until Sat 1 Jan"
    )
    assert said(capsys, "agent", "away", ALICE, "--from", "2049-01-01")["absence"].startswith("will be away from 2049")
    assert said(capsys, "agent", "back", ALICE)["absence"] == ""
    assert "Office" in (frontdesk.main(["agent", "show", ALICE]), capsys.readouterr().out)[1]


def test_a_team_keeps_what_the_file_does_not_name(desk: RoutedDesk, store: Store) -> None:
    configure(store, '[[team]]\nname = "Support"\nstrategy = "skill"\nprevious = true')
    configure(store, '[[team]]\nname = "Support"\nescalate_minutes = 90\nmembers = ["max@corp.example.test"]')
    with store.database.reading() as session:
        team = current_configuration(session)["team"]["Support"]
    assert (team["strategy"], team["previous"], team["escalate_minutes"]) == ("skill", True, 90)
    assert team["members"] == ["max@corp.example.test"]


def test_who_would_get_a_ticket_is_explained_and_what_waits_is_listed(
    desk: RoutedDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.set(desk.alice, available=False)
    desk.set(desk.staff[1], capacity=0)
    desk.rule("mark", [], {"tag": "seen"})
    desk.burst(1)
    found = said(capsys, "route", "explain", "1")
    assert found["rules"][0]["acts"] and found["choice"]["agent"] is None
    assert [row["against"] for row in found["agents"]] == ["is not available", "has 0 of 0 open"]
    assert found["history"][0]["why"].startswith("nobody in Support")
    (row,) = said(capsys, "route", "waiting")
    assert (row["ticket"], row["team"]) == (1, "Support") and "Alice Agent is not available" in row["why"]
    assert frontdesk.main(["route", "explain", "1"]) == 0
    assert "now it would go to nobody" in capsys.readouterr().out
    assert "there is no ticket" in refused(capsys, "route", "explain", "99")
