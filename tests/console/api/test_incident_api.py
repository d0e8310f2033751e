"""Incidents as JSON: the list, one, orders with a rehearsal, one ticket in or out."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from desk.priority.levels import Priority
from desk.tickets.ticket import Status
from storage.access import api_tokens
from storage.incidents import incidents
from storage.incidents.incidents import MEMBER, TAKEN_OUT
from storage.open_store import Store
from storage.people import people
from storage.tables.tickets import teams
from storage.tables.tickets import tickets as rows
from tests.console.conftest import START, Browser, Console
from tests.console.fixtures_desk import plain_ticket
from tests.console.operations.test_incidents import outage


def _token(store: Store, *scopes: str) -> dict[str, str]:
    with store.database.transaction() as session:
        return {"Authorization": f"Bearer {api_tokens.create(session, 'status page', scopes, START)}"}


def _post(browser: Browser, path: str, headers: dict[str, str], **body: Any) -> Any:
    return browser.client.post(f"/api/v1/incidents/{path}", json=body, headers=headers)


def test_incidents_are_listed_and_shown(console: Console, alice: Browser, stranger: Browser) -> None:
    number, made = outage(console.store, 3, START)
    (row,) = alice.get("/api/v1/incidents?state=open").json()["incidents"]
    assert (row["id"], row["category"], row["tickets"][MEMBER]) == (number, "Network", 3)
    assert alice.get("/api/v1/incidents?state=resolved").json() == {"incidents": [], "next": None}
    assert alice.get("/api/v1/incidents?state=loud").status_code == 422
    shown = stranger.get(f"/api/v1/incidents/{number}", headers=_token(console.store, "tickets")).json()
    assert [one["id"] for one in shown["tickets"]] == made and shown["orders"] == []
    assert alice.get("/api/v1/incidents/99").status_code == 404
    assert stranger.get("/api/v1/incidents").status_code == 401


def test_a_rehearsal_writes_nothing_and_an_order_is_one_order(console: Console, stranger: Browser) -> None:
    number, made = outage(console.store, 3, START)
    token = _token(console.store, "tickets:write")
    tried = _post(stranger, f"{number}/resolve", token, dry_run=True).json()
    assert tried["tickets"] == made and {console.ticket(n).status for n in made} == {Status.NEW}
    first = _post(stranger, f"{number}/answer", token, text="We are on it.").json()
    again = _post(stranger, f"{number}/answer", token, text="We are on it.").json()
    assert first["id"] == again["id"] and first["done"] == 3
    assert [m.author.name for m in console.messages(made[0])][-1] == "API token status page"
    assert len(console.messages(made[0])) == 2
    assert _post(stranger, f"{number}/answer", token, text=" ").status_code == 422


def test_all_are_resolved_and_what_is_over_cannot_be_dismissed(console: Console, stranger: Browser) -> None:
    number, made = outage(console.store, 3, START)
    token = _token(console.store, "tickets:write")
    assert _post(stranger, f"{number}/resolve", token, text="It works again.", key="k1").json()["done"] == 3
    assert {console.ticket(n).status for n in made} == {Status.RESOLVED}
    assert _post(stranger, f"{number}/dismiss", token).status_code == 422
    assert stranger.get(f"/api/v1/incidents/{number}", headers=_token(console.store, "tickets")).json()["state"] == (
        "resolved"
    )


def test_a_false_alarm_sets_the_priorities_back(console: Console, stranger: Browser) -> None:
    number, made = outage(console.store, 3, START)
    assert console.ticket(made[0]).priority is Priority.URGENT
    token = _token(console.store, "tickets:write")
    assert _post(stranger, f"{number}/dismiss", token).json()["done"] == 3
    assert {console.ticket(n).priority for n in made} == {Priority.MEDIUM}


def test_a_ticket_is_taken_in_and_out(console: Console, stranger: Browser) -> None:
    number, _ = outage(console.store, 3, START)
    token = _token(console.store, "tickets:write")
    with console.store.database.transaction() as session:
        other = plain_ticket(session, "dora@x.example.test", "Nothing works", "It does not work.", START).id
    assert _post(stranger, f"{number}/add", token, ticket=other).json()["done"] == "add"
    assert console.ticket(other).priority is Priority.URGENT
    assert _post(stranger, f"{number}/add", token, ticket=other).status_code == 422
    assert _post(stranger, f"{number}/add", token, ticket=9999).status_code == 422
    assert _post(stranger, f"{number}/add", token, ticket="x").status_code == 422
    assert _post(stranger, f"{number}/remove", token, ticket=other).status_code == 200
    assert console.ticket(other).priority is Priority.MEDIUM
    with console.store.database.reading() as session:
        assert incidents.ticket_counts(session, [number])[number] == {MEMBER: 3, "suggested": 0, TAKEN_OUT: 1}


def test_a_private_ticket_is_never_put_in(console: Console, stranger: Browser) -> None:
    number, _ = outage(console.store, 3, START)
    with console.store.database.transaction() as session:
        team = people.add_team(session, "HR")
        session.execute(sa.update(teams).where(teams.c.id == team.id).values(private=True))
        hidden = plain_ticket(session, "dora@x.example.test", "Pay", "My pay.", START).id
        session.execute(sa.update(rows).where(rows.c.id == hidden).values(team_id=team.id))
    token = _token(console.store, "tickets:write")
    assert _post(stranger, f"{number}/add", token, ticket=hidden).status_code == 422


def test_who_may_only_read_may_not_order(console: Console, alice: Browser, stranger: Browser) -> None:
    number, made = outage(console.store, 3, START)
    assert _post(stranger, f"{number}/dismiss", _token(console.store, "tickets")).status_code == 403
    assert _post(stranger, f"{number}/remove", {}, ticket=made[0]).status_code == 401
    assert _post(alice, f"{number}/dismiss", {}).status_code == 403
