"""The page of automations: leads write, try and switch on; what is wrong is explained."""

from __future__ import annotations

import tomllib

import pytest
import sqlalchemy as sa

from desk.rules.automations import BadAutomation, read
from storage.db.session import Session
from storage.tables.tickets import agents
from tests.console.conftest import START, Browser, Console
from usecases.rules import automations
from usecases.rules.automations import StoredAutomation

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


def test_a_rule_is_switched_on_only_after_it_was_tried(console: Console) -> None:
    rule = read(tomllib.loads(RULE), "automation 1")
    with console.store.database.transaction() as session:
        automations.save(session, rule, START)
        with pytest.raises(BadAutomation, match="must be tried"):
            automations.set_active(session, _stored(session), on=True)
        would = automations.try_automation(session, _stored(session), START)
        assert [one.ticket.id for one in would] == [console.things.ticket]
        automations.set_active(session, _stored(session), on=True)
        assert _stored(session).active
        automations.remove(session, _stored(session))
        assert automations.list_all(session) == []


def test_a_rule_that_cannot_be_meant_names_its_place() -> None:
    with pytest.raises(BadAutomation, match="automation 1: name should be"):
        read({"name": 7}, "automation 1")


def _stored(session: Session) -> StoredAutomation:
    stored = automations.get(session, "Invoices are important")
    assert stored
    return stored
