"""frontdesk report: the figures of a period, counted anew, and by mail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import frontdesk
from tests.cli.test_cli import Say, arrive, begun, quiet, say

__all__ = ["begun", "quiet", "say"]


def test_a_report_counts_what_just_happened(begun: Any, say: Say, quiet: Any) -> None:
    arrive(quiet, "The printer burns")
    told = say("report", "--period", "7d")
    assert told["now"]["opened"]["count"] == 1
    assert say("report", "--channel", "slack")["now"]["opened"]["count"] == 0
    assert say("report", "rebuild") == {"tickets": 1, "tickets_wrong": 0, "days": 1, "days_wrong": 0}
    assert say("report", "rebuild", "--dry-run") == {"tickets": 1, "tickets_wrong": 0, "days": 1, "days_wrong": 0}


def test_a_report_is_a_table_for_people(begun: Any, quiet: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert frontdesk.main(["report", "--period", "7d"]) == 0
    assert "SUMMARY" in capsys.readouterr().out
    assert frontdesk.main(["report", "--csv"]) == 0
    assert capsys.readouterr().out.startswith("table,row,column,value")
    assert frontdesk.main(["report", "--period", "soon"]) == 64


def test_a_report_by_mail_can_be_added_shown_and_removed(begun: Any, say: Say, tmp_path: Path) -> None:
    made = say("report", "schedule", "add", "Monthly", "--to", "lead@corp.example.test", "--every", "month")
    assert made["recipients"] == ["lead@corp.example.test"]
    assert [one["name"] for one in say("report", "schedule", "list")] == ["Monthly"]
    (letter,) = say("report", "schedule", "send", "Monthly", "--dry-run")
    assert (letter["to"], letter["sent"]) == ("lead@corp.example.test", False)
    assert "Opened: 0" in letter["text"]
    assert say("caught") == []
    assert say("report", "schedule", "remove", "monthly") == {"removed": "monthly"}
    assert frontdesk.main(["report", "schedule", "remove", "Monthly"]) == 1
