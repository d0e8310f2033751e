"""Teams, routing rules, what nobody can take, and one's own absence, as they are used in a browser."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from desk.routing.routing import Options, Strategy
from desk.tickets import properties
from desk.tickets.ticket import DESK
from storage.people import availability
from storage.routing import rules as routing_rules
from storage.tables.tickets import agents, tickets
from storage.tickets import tickets as kept
from tests.console.conftest import Browser, Console


def seen(console: Console, agent: int) -> dict[str, object]:
    with console.store.database.reading() as session:
        return dict(session.execute(sa.select(agents).where(agents.c.id == agent)).one()._mapping)


def test_a_lead_sets_how_a_team_shares_its_tickets(console: Console, bob: Browser) -> None:
    fields = {"strategy": "skill", "escalate_minutes": "45", "previous": "yes", "calendar": ""}
    assert bob.press("/teams/1", "/teams", **fields).headers["location"] == "/teams?done=saved"
    with console.store.database.reading() as session:
        team = availability.team_settings(session)[1]
    assert (team.strategy, team.options) == (Strategy.SKILL, Options(True, 45))
    text = bob.get("/teams").text
    assert "Skill: language and category first" in text and "can take tickets" in text
    assert bob.press("/teams/1", "/teams", **fields | {"escalate_minutes": "0"}).status_code == 422
    assert bob.press("/teams/99", "/teams", **fields).status_code == 404


def test_a_lead_says_what_an_agent_can_do_and_how_much(console: Console, bob: Browser) -> None:
    alice = console.things.alice
    path, fields = (
        f"/teams/1/members/{alice}",
        {"weight": "2", "capacity": "8", "skills": "German, VPN", "calendar": ""},
    )
    assert bob.press(path, "/teams", **fields).status_code == 303
    row = seen(console, alice)
    assert (row["weight"], row["capacity"], row["skills"]) == (2, 8, ["German", "VPN"])
    assert bob.press(path, "/teams", **fields | {"weight": "many"}).status_code == 422
    assert bob.press(path, "/teams", **fields | {"do": "leave"}).status_code == 303
    assert bob.press("/teams/2/join", "/teams", agent=str(alice)).status_code == 303
    with console.store.database.reading() as session:
        found = availability.load_availability(session, [1, 2]).teams
    assert alice not in [one.id for one in found[1].members] and alice in [one.id for one in found[2].members]


def test_pages_of_configuration_are_for_leads(console: Console, alice: Browser) -> None:
    assert [alice.get(path).status_code for path in ("/teams", "/routing")] == [403, 403]
    for path in ("/teams/1", "/teams/1/join", "/routing/add", "/routing/remove"):
        assert alice.press(path, "/tickets", name="x").status_code == 403
    assert 'href="/routing"' not in alice.get("/tickets").text


def test_an_agent_goes_away_and_comes_back_from_any_page(console: Console, alice: Browser) -> None:
    me = console.things.alice
    assert "Available" in alice.get("/tickets").text
    day = {"do": "away", "until": "2026-03-06", "hand_over": "yes", "back": "/ledger"}
    assert alice.press("/me/availability", "/tickets", **day).headers["location"] == "/ledger"
    row = seen(console, me)
    assert str(row["away_until"]).startswith("2026-03-07 00:00") and row["hands_over"]
    assert "You are away until Sat 7 Mar 00:00" in alice.get("/tickets").text
    alice.press("/me/availability", "/tickets", do="back", back="/tickets")
    row = seen(console, me)
    assert row["away_until"] is None and not row["hands_over"]


@pytest.mark.parametrize("wrong", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1", ""])
def test_after_that_nobody_is_sent_to_another_site(alice: Browser, wrong: str) -> None:
    answer = alice.press("/me/availability", "/tickets", do="back", back=wrong)
    assert answer.headers["location"] == "/tickets"


def test_only_a_lead_sends_somebody_else_away(console: Console, alice: Browser, bob: Browser) -> None:
    other = str(console.things.bob)
    assert alice.press("/me/availability", "/tickets", do="away", agent=other).status_code == 403
    away = {"do": "away", "agent": str(console.things.alice), "back": "/teams?done=saved"}
    assert bob.press("/me/availability", "/teams", **away).headers["location"] == "/teams?done=saved"
    assert "is away" in bob.get("/teams").text
    assert bob.press("/me/availability", "/teams", **away | {"until": "2020-01-01"}).status_code == 422


def test_a_rule_is_written_with_fields_tested_switched_moved_and_removed(console: Console, bob: Browser) -> None:
    fields = {
        "name": "invoices",
        "field0": "subject",
        "op0": "contains",
        "value0": "invoice",
        "team": "IT",
        "tag": "money",
    }
    text = bob.press("/routing/add", "/routing", **fields).text
    assert (
        "It would route 1 of 2 tickets differently." in text and "subject contains invoice → team IT, tag money" in text
    )
    bob.press("/routing/add", "/routing", name="rest", skills="VPN", json='[{"field": "hours", "is": "closed"}]')
    with console.store.database.reading() as session:
        kept = routing_rules.list_all(session)
    assert [(one.name, one.active) for one in kept] == [("invoices", False), ("rest", False)]
    bob.press("/routing/move", "/routing", name="rest", up="yes")
    bob.press("/routing/switch", "/routing", name="invoices", on="yes")
    with console.store.database.reading() as session:
        kept = routing_rules.list_all(session)
    assert [(one.name, one.active) for one in kept] == [("rest", False), ("invoices", True)]
    bob.press("/routing/remove", "/routing", name="rest")
    assert "rest" not in [one.name for one in _rules(console)]


def test_a_rule_that_cannot_be_meant_is_explained_and_what_was_typed_stays(bob: Browser) -> None:
    answer = bob.press(
        "/routing/add", "/routing", name="odd", field0="age_hours", op0="above", value0="many", team="IT"
    )
    assert answer.status_code == 422 and "should be a number" in answer.text and 'value="odd"' in answer.text
    assert "are no JSON" in bob.press("/routing/add", "/routing", name="odd", json="{", team="IT").text
    assert "should do something" in bob.press("/routing/add", "/routing", name="odd").text
    assert bob.press("/routing/test", "/routing", name="nothing").status_code == 404


def test_what_nobody_can_take_is_a_banner_a_view_and_a_reason(console: Console, alice: Browser) -> None:
    assert "without an available agent" not in alice.get("/tickets").text
    with console.store.database.transaction() as session:
        session.execute(sa.update(tickets).where(tickets.c.id == console.things.other).values(assignee_id=None))
        held = kept.get(session, console.things.other, lock=True)
        assert held
        kept.save(session, properties.flag_unroutable(held, DESK, console.now[0], "nobody in Billing: Alice is away"))
    assert "1 ticket without an available agent" in alice.get("/tickets").text
    text = alice.get("/unroutable").text
    assert "Nobody in Billing: Alice is away." in text and "<script>alert(1)" not in text
    page = alice.get(f"/tickets/{console.things.other}").text
    assert "No agent is available for this ticket: nobody in Billing: Alice is away." in page
    assert "found no available agent for it" in page


def test_why_it_is_somebodys_stands_below_the_owner(console: Console, alice: Browser) -> None:
    assert "Why: replied first" in alice.get(f"/tickets/{console.things.ticket}").text


def _rules(console: Console) -> list[routing_rules.StoredRoutingRule]:
    with console.store.database.reading() as session:
        return routing_rules.list_all(session)
