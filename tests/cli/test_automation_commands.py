"""Automations from the command line: taken from a file, tried, switched, taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import frontdesk
from tests.cli.test_cli import Say, begun, quiet, say

__all__ = ["begun", "quiet", "say"]
RULE = """
[[automation]]
name = "Refunds"
when = { event = "opened" }
conditions = [{ field = "subject", word = "refund" }]
actions = [{ tag = "refund" }]
"""


def test_one_is_tried_before_it_is_switched_on(begun: Any, say: Say, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(RULE)
    (added,) = say("automation", "add", str(file))
    assert (added["name"], added["active"], added["tried"]) == ("Refunds", False, False)
    capsys.readouterr()
    assert frontdesk.main(["automation", "on", "Refunds"]) != 0
    assert "frontdesk automation test Refunds" in capsys.readouterr().err
    assert say("automation", "test", "Refunds")["would_change"] == []
    assert say("automation", "on", "Refunds")["active"] is True
    assert [one["active"] for one in say("automation", "list")] == [True]
    assert say("automation", "off", "Refunds")["active"] is False
    assert say("automation", "remove", "Refunds")["name"] == "Refunds" and say("automation", "list") == []
    assert frontdesk.main(["automation", "remove", "Refunds"]) != 0
    assert "frontdesk automation list" in capsys.readouterr().err
