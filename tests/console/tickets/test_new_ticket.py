"""An agent writes down a call in the console, and is led to its ticket."""

from __future__ import annotations

import re

import sqlalchemy as sa

from storage.access import visibility
from storage.people import people
from storage.tables.tickets import metadata
from tests.console.conftest import Browser, Console

FORM = {"caller": "+49 30 4711", "name": "Erika", "subject": "Door stuck", "text": "Since noon.", "key": "k"}


def test_the_form_leads_to_the_ticket_once_it_is_there(console: Console, alice: Browser) -> None:
    answer = alice.press("/tickets/new", "/tickets/new", **FORM)
    assert answer.status_code == 303
    place = answer.headers["location"]
    assert re.fullmatch(r"/tickets/new/\d+", place)
    waits = alice.get(place)
    assert waits.status_code == 200 and waits.headers["refresh"] == "1"
    assert alice.press("/tickets/new", "/tickets/new", **FORM).headers["location"] == place
    assert alice.get("/tickets/new/99").status_code == 404


def test_a_refused_form_says_why_and_keeps_what_was_typed(alice: Browser) -> None:
    refused = alice.press("/tickets/new", "/tickets/new", **(FORM | {"caller": "nobody"}))
    assert refused.status_code == 422
    assert "telephone number" in refused.text and "Since noon." in refused.text and 'value="Erika"' in refused.text


def test_people_are_found_while_one_types(alice: Browser, bob: Browser) -> None:
    (carol,) = alice.get("/people?q=carol").json()
    assert carol["caller"] == "carol@customer.example.test" and carol["open"] == 1
    assert alice.get("/people?q=c").json() == []
    assert alice.get("/people?q=100%25_").json() == []


def test_who_may_not_change_tickets_writes_nothing_down(stranger: Browser) -> None:
    assert stranger.get("/tickets/new").status_code == 303
    stranger.sign_in("rita")
    assert stranger.get("/tickets/new").status_code == 403
    assert stranger.get("/people?q=carol").status_code == 403
    assert stranger.press("/tickets/new", "/account", **FORM).status_code == 403


def test_whose_tickets_one_may_not_see_is_not_offered(console: Console, alice: Browser) -> None:
    with console.store.database.transaction() as session:
        team = people.add_team(session, "Legal")
        visibility.set_private(session, team.id, private=True)
        session.execute(sa.update(metadata.tables["tickets"]).values(team_id=team.id))
    assert alice.get("/people?q=carol").json() == []
