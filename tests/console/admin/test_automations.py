"""The page and commands of automations: leads write, try and switch on; what is wrong is explained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

import frontdesk
from storage.tables.tickets import agents
from tests.console.conftest import Browser, Console
from usecases.rules import automations

RULE = """
name = "Invoices are important"
when = { event = "opened" }
conditions = [{ field = "subject", contains = "invoice" }]
actions = [{ tag = "money" }]
"""


def _make_lead(console: Console) -> None:
    with console.store.database.transaction() as session:
        session.execute(sa.update(agents).where(agents.c.id == console.things.alice).values(role="lead"))


def test_a_lead_writes_a_rule_sees_what_it_would_do_and_switches_it_on(console: Console, alice: Browser) -> None:
    _make_lead(console)
    shown = alice.press("/automations/add", "/automations", text=RULE)
    assert shown.status_code == 200
    assert "It would change 1 of the newest tickets" in shown.text
    assert "when opened, if subject contains invoice: tag money" in shown.text
    done = alice.press("/automations/switch", "/automations", name="Invoices are important", on="yes")
    assert done.headers["location"] == "/automations?done=switched"
    with console.store.database.reading() as session:
        (kept,) = automations.list_all(session)
    assert kept.active
    assert console.ticket().tags == ("vip",)
    alice.press("/automations/remove", "/automations", name="Invoices are important")
    assert "There is none yet." in alice.get("/automations").text


def test_a_rule_that_is_wrong_is_explained_and_stays_in_the_box(console: Console, alice: Browser) -> None:
    _make_lead(console)
    shown = alice.press("/automations/add", "/automations", text=RULE.replace('tag = "money"', 'fly = "away"'))
    assert shown.status_code == 422
    assert "is no action" in shown.text and "away" in shown.text


def test_agents_read_and_leads_write(alice: Browser) -> None:
    page = alice.get("/automations")
    assert page.status_code == 200
    assert "Save and test" not in page.text
    assert alice.press("/automations/add", "/automations", text=RULE).status_code == 403


def test_the_command_takes_rules_from_a_file(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(frontdesk, "configure_logging", lambda _settings: None)
    monkeypatch.setenv("FRONTDESK_DATA_DIR", console.store.settings.data_dir)
    monkeypatch.setenv("FRONTDESK_SECRET_KEY", console.store.settings.secret_key)
    file = tmp_path / "rules.toml"
    file.write_text(f"[[automation]]{RULE}")
    name = "Invoices are important"
    assert frontdesk.main(["automation", "add", str(file)]) == 0
    assert frontdesk.main(["automation", "on", name]) != 0
    assert "must be tried" in capsys.readouterr().err
    assert frontdesk.main(["automation", "test", name, "--json"]) == 0
    assert [one["ticket"] for one in json.loads(capsys.readouterr().out)["would_change"]] == [console.things.ticket]
    assert frontdesk.main(["automation", "on", name]) == 0
    capsys.readouterr()
    assert frontdesk.main(["automation", "list", "--json"]) == 0
    assert [(one["name"], one["active"]) for one in json.loads(capsys.readouterr().out)] == [(name, True)]
    file.write_text("[[automation]]\nname = 7\n")
    assert frontdesk.main(["automation", "add", str(file)]) == 64
    assert "automation 1: name should be" in capsys.readouterr().err
