"""`frontdesk incident`: the list, one, and what is done for all of its tickets; a rehearsal writes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import frontdesk
from storage.incidents import incidents
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from storage.tickets import tickets
from tests.console.conftest import START
from tests.console.operations.test_incidents import outage


@pytest.fixture
def hit(store: Store, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[int]]:
    monkeypatch.setenv("FRONTDESK_DATA_DIR", str(Path(store.settings.data_dir)))
    monkeypatch.setenv("FRONTDESK_SECRET_KEY", store.settings.secret_key)
    return outage(store, 3, START)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert frontdesk.main(["incident", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_incidents_are_listed_and_shown(hit: tuple[int, list[int]], capsys: pytest.CaptureFixture[str]) -> None:
    number, made = hit
    (row,) = said(capsys, "list", "--state", "open")
    assert (row["id"], row["category"], row["tickets"]) == (number, "Network", 3)
    assert [ticket["id"] for ticket in said(capsys, "show", str(number))["tickets"]] == made
    assert frontdesk.main(["incident", "show", str(number)]) == 0 and "Network" in capsys.readouterr().out
    assert frontdesk.main(["incident", "show", "99"]) == 1


def test_a_rehearsal_writes_nothing(
    hit: tuple[int, list[int]], store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    number, made = hit
    assert said(capsys, "dismiss", str(number), "--dry-run")["tickets"] == made
    with store.database.reading() as session:
        found = incidents.get(session, number)
    assert found and found.state == "open"


def test_all_are_answered_in_an_agents_name_and_resolved(
    hit: tuple[int, list[int]], store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    number, made = hit
    with store.database.transaction() as session:
        people.add_agent(session, NewAgent("lena@corp.example.test", "Lena", "lead"), START)
    answered = said(capsys, "answer", str(number), "--text", "We are on it.", "--as", "lena@corp.example.test")
    resolved = said(capsys, "resolve", str(number))
    assert (answered["done"], resolved["done"], resolved["total"]) == (3, 3, 3)
    with store.database.reading() as session:
        for ticket in made:
            assert tickets.messages_of(session, ticket)[-1].author.name == "Lena"
            found = tickets.get(session, ticket)
            assert found and found.status == "resolved"
    assert frontdesk.main(["incident", "dismiss", str(number)]) == 1
    assert frontdesk.main(["incident", "answer", str(number), "--text", "x", "--as", "nobody@x"]) == 1


def test_a_ticket_is_taken_out_and_in_again(
    hit: tuple[int, list[int]], store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    number, made = hit
    for verb, priority in (("remove", "medium"), ("add", "urgent")):
        assert said(capsys, verb, str(number), str(made[0]))["done"] == verb
        with store.database.reading() as session:
            found = tickets.get(session, made[0])
        assert found and found.priority == priority
    assert frontdesk.main(["incident", "add", str(number), str(made[0])]) == 1
