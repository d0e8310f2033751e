"""`frontdesk route`, `agent away|back|skills|capacity|hours|show`, `team set`, as somebody at a keyboard uses them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import frontdesk
from desk.routing.routing import Strategy
from storage.open_store import Store
from storage.sla import calendars
from storage.sla.calendars import CalendarRow
from tests.workers.routing.test_routing import RoutedDesk

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


def test_rules_are_added_tested_moved_switched_and_removed(
    desk: RoutedDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.burst(3)
    condition = '[{"field": "subject", "contains": "question 1"}]'
    made = said(capsys, "route", "add", "one", "--if", condition, "--then", '{"team": "Billing"}', "--off")
    assert (made["active"], made["does"]) == (False, "subject contains question 1 → team Billing")
    said(capsys, "route", "add", "two", "--then", '{"tag": "seen"}')
    trial = said(capsys, "route", "test", "one", "--last", "100")
    assert trial["sentence"] == "would route 1 of 3 tickets differently"
    assert [(row["ticket"], row["without"], row["with"]) for row in trial["moved"]] == [(2, "tag seen", "team Billing")]
    assert [rule["name"] for rule in said(capsys, "route", "move", "two", "-1")] == ["two", "one"]
    assert said(capsys, "route", "test", "one")["moved"][0]["with"] == "tag seen, team Billing"
    assert said(capsys, "route", "on", "ONE")["active"] is True
    said(capsys, "route", "remove", "one", "--dry-run")
    assert len(said(capsys, "route", "rules")) == 2
    said(capsys, "route", "remove", "one")
    assert [rule["name"] for rule in said(capsys, "route", "rules")] == ["two"]


def test_what_cannot_be_meant_is_said(desk: RoutedDesk, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is no action" in refused(capsys, "route", "add", "x", "--then", '{"dance": "now"}')
    assert "there is no team 'Nope'" in refused(capsys, "route", "add", "x", "--then", '{"team": "Nope"}')
    assert "are JSON" in refused(capsys, "route", "add", "x", "--then", "{")
    assert "there is no rule" in refused(capsys, "route", "test", "x")
    assert "there is no agent" in refused(capsys, "agent", "away", "nobody@corp.example.test")
    assert "still to come" in refused(capsys, "agent", "away", ALICE, "--until", "2020-01-01")
    assert "is no date" in refused(capsys, "agent", "away", ALICE, "--until", "tomorrow")
    assert "number of tickets" in refused(capsys, "agent", "capacity", ALICE, "many")
    assert said(capsys, "route", "rules") == []


def test_agents_say_what_they_can_and_when_they_are_there(
    desk: RoutedDesk, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with store.database.transaction() as session:
        calendars.save(session, CalendarRow("Office", "UTC", [{"days": "mon-fri", "from": "09:00", "to": "17:00"}]))
    assert said(capsys, "agent", "skills", ALICE, "German", "VPN")["skills"] == ["German", "VPN"]
    seen = said(capsys, "agent", "capacity", ALICE, "8", "--weight", "2")
    assert (seen["capacity"], seen["weight"]) == (8, 2)
    assert said(capsys, "agent", "hours", ALICE, "office")["calendar"] == "Office"
    assert said(capsys, "agent", "away", ALICE, "--until", "2050-01-01")["absence"].startswith(
        "is away until Sat 1 Jan"
    )
    assert said(capsys, "agent", "away", ALICE, "--from", "2049-01-01")["absence"].startswith("will be away from 2049")
    assert said(capsys, "agent", "back", ALICE)["absence"] == ""
    assert said(capsys, "agent", "capacity", ALICE, "none")["capacity"] is None
    assert "Office" in (frontdesk.main(["agent", "show", ALICE]), capsys.readouterr().out)[1]


def test_a_team_is_set_and_keeps_what_is_not_named(desk: RoutedDesk, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "team", "set", "support", "--strategy", "skill", "--previous", "yes")
    team = said(capsys, "team", "set", "Support", "--escalate-minutes", "90", "--join", "max@corp.example.test")
    assert (team["strategy"], team["previous"], team["escalate_minutes"]) == ("skill", True, 90)
    assert team["agents"] == ["Alice Agent", "Max Agent", "Agent 2"]
    assert said(capsys, "team", "set", "Support", "--leave", ALICE)["agents"] == ["Max Agent", "Agent 2"]


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
