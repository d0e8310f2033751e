"""The commands on tickets: undo, many at once, sleep, fields, links, organisations; and the days of the lifecycle."""

from __future__ import annotations

from typing import Any

import pytest

import frontdesk
from storage.open_store import Store
from tests.cli.configured import apply, configure
from tests.cli.test_cli import Say, arrive, begun, quiet, say

__all__ = ["begun", "quiet", "say"]


@pytest.fixture
def desk(quiet: Store, begun: Any) -> Store:
    arrive(quiet, "Printer")
    arrive(quiet, "Scanner")
    return quiet


def test_what_was_set_is_undone(say: Say, desk: Store) -> None:
    say("ticket", "set", "1", "--priority", "urgent", "--tag", "floor-4")
    events = say("ticket", "show", "1")["events"]
    assert [event["kind"] for event in events if event["undoable"]] == ["priority_changed", "tagged"]
    (step,) = say("ticket", "undo", "1", str(events[-1]["id"]), "--dry-run")
    assert "floor-4" in step["what"]
    assert say("ticket", "undo", "1")["tags"] == []
    assert say("ticket", "undo", "1")["priority"] != "urgent"
    assert frontdesk.main(["ticket", "undo", "1"]) == 1


def test_many_are_changed_and_those_that_cannot_be_are_said(
    say: Say, desk: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = say("ticket", "set", "1", "2", "--status", "resolved", "--dry-run")
    assert [row["result"] for row in planned] == ["would have set the status from new to resolved"] * 2
    assert say("ticket", "show", "1")["status"] == "new"
    say("ticket", "set", "1", "2", "--status", "resolved")
    assert frontdesk.main(["ticket", "set", "1", "2", "7", "--status", "pending"]) == 1
    told = capsys.readouterr().out
    assert "cannot become pending" in told and "there is no such ticket" in told
    assert frontdesk.main(["ticket", "set", "1"]) == 64


def test_the_days_of_the_lifecycle_are_set_by_the_file_and_shown(
    say: Say, desk: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "lifecycle" not in say("export-config") or not say("export-config")["lifecycle"]
    assert apply(monkeypatch, "[lifecycle]\nremind_days = 3\nresolve_days = 7") == 0
    shown = say("export-config")["lifecycle"][""]
    assert shown == {"reopen_days": 30, "remind_days": 3, "resolve_days": 7, "close_days": 7}
    assert apply(monkeypatch, "[lifecycle]\nremind_days = 9") == 64


def test_sleep_fields_links_and_copies(say: Say, desk: Store) -> None:
    assert say("ticket", "snooze", "1", "2126-11-30")["snoozed_until"].startswith("2126-11-30T09:00")
    assert say("ticket", "wake", "1")["snoozed_until"] is None
    configure(desk, '[[field]]\nname = "amount"\nkind = "number"')
    assert say("ticket", "field", "1", "amount", "12,5")["fields"] == {"amount": 12.5}
    assert frontdesk.main(["ticket", "field", "1", "amount", "much"]) == 1
    say("ticket", "link", "1", "blocks", "2")
    assert say("ticket", "show", "2")["links"] == [{"ticket": 1, "kind": "blocks", "words": "is blocked by"}]
    say("ticket", "unlink", "2", "blocks", "1")
    say("ticket", "parent", "2", "1")
    assert say("ticket", "show", "1")["children"] == [2]
    say("ticket", "resolve-children", "1")
    assert say("ticket", "show", "2")["status"] == "resolved"
    (row,) = say("ticket", "set", "1", "--requester", "erika@example.test", "--priority", "low")
    assert [event["kind"] for event in row["events"]] == ["priority_changed", "requester_changed"]
    assert say("ticket", "show", "1")["requester"] == "erika@example.test"
    assert frontdesk.main(["ticket", "set", "1", "--requester", "nobody"]) == 1
    say("ticket", "copy", "1", "boss@example.test")
    assert say("ticket", "show", "1")["participants"]["boss@example.test"] == "added"


def test_tickets_belong_to_the_organisation_of_their_requesters_domain(
    say: Say, desk: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(desk, '[[organisation]]\nname = "Example"\ndomains = ["example.test"]\nplan = "gold"')
    arrive(desk, "Keyboard")
    assert say("ticket", "show", "3")["organisation"] == "Example"
    assert say("ticket", "show", "1")["organisation"] is None
    for wrong in ("gmail.com", "nothing", "a@b.example", "example.test"):
        assert apply(monkeypatch, f'[[organisation]]\nname = "Other"\ndomains = ["{wrong}"]') == 64
    assert [one["plan"] for one in say("export-config")["organisation"].values()] == ["gold"]
