"""The command's words for side conversations: asked, shown before it is sent, written on, closed."""

from __future__ import annotations

import io
from typing import Any

import pytest

import frontdesk
from storage.open_store import Store
from tests.cli.test_cli import Say, arrive, begun, quiet, say

__all__ = ["begun", "quiet", "say"]
SUE = "sue@supplier.example.test"


@pytest.fixture
def desk(quiet: Store, begun: Any) -> Store:
    arrive(quiet, "Printer")
    return quiet


def test_a_third_party_is_asked_and_the_ticket_waits(say: Say, desk: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    would = say("ticket", "side", "open", "1", SUE, "--subject", "Part 7", "--text", "In stock?", "--hold", "--dry-run")
    assert would["messages"][0]["reply"] == "In stock?" and say("ticket", "side", "list", "1") == []
    made = say("ticket", "side", "open", "1", SUE, "--subject", "Part 7", "--text", "In stock?", "--hold")
    assert (made["state"], made["holds"], made["people"]) == ("open", True, [SUE])
    assert say("ticket", "show", "1")["status"] == "on_hold"
    monkeypatch.setattr("sys.stdin", io.StringIO("Hello?\n"))
    assert len(say("ticket", "side", "send", str(made["id"]), "--quote", "1")["messages"]) == 2
    assert say("ticket", "side", "close", str(made["id"]))["state"] == "closed"
    whole = say("ticket", "show", "1")
    assert whole["status"] == "open" and whole["side_conversations"] == say("ticket", "side", "list", "1")
    assert say("ticket", "side", "reopen", str(made["id"]))["state"] == "open"


def test_a_dry_run_shows_the_letter(say: Say, desk: Store, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert frontdesk.main(["ticket", "side", "open", "1", SUE, "--text", "In stock?", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert SUE in told and "In stock?" in told and "nothing was sent" in told


@pytest.mark.parametrize(
    "words",
    [
        ["open", "9", SUE, "--text", "x"],
        ["open", "1", "nobody", "--text", "x"],
        ["open", "1", SUE, "--text", "x", "--file", "7"],
        ["open", "1", SUE, "--text", "x", "--file", "1:0"],
        ["open", "1", SUE, "--text", "x", "--as", "nobody@x"],
        ["send", "9", "--text", "x"],
        ["list", "9"],
    ],
)
def test_what_cannot_be_is_said(desk: Store, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert frontdesk.main(["ticket", "side", *words]) in (1, 64)
    assert "frontdesk: " in capsys.readouterr().err
    assert frontdesk.main(["ticket", "side", "list", "1", "--json"]) == 0
    assert capsys.readouterr().out.strip() == "[]"
