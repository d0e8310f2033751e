"""Requesters are asked how it went: once, in their language, who can answer; programs that scan mail do not vote."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from console.routes import create_app
from desk.knowledge.csat import CsatSettings
from desk.tickets import transitions
from desk.tickets.ticket import DESK, Actor, ActorKind
from storage.knowledge import csat, csat_settings
from storage.open_store import Store
from storage.people import people
from storage.tables.tickets import agents
from storage.tables.tickets import people as people_table
from storage.tickets import tickets
from tests.small_desk import BOB, CAROL, SmallDesk
from workers.timers import csat as asking

BROKEN = "The printer on the second floor is broken since this morning, please help us with it."


@pytest.fixture
def desk(any_store: Store) -> SmallDesk:
    settings = replace(any_store.settings, public_url="https://desk.example.test")
    made = SmallDesk(replace(any_store, settings=settings))
    with any_store.database.transaction() as session:
        csat_settings.set_rules(session, CsatSettings(ask_rating=True))
    return made


def solve(desk: SmallDesk, number: int = 1) -> None:
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, number, lock=True)
        assert ticket is not None
        actor = Actor(ActorKind.AGENT, desk.alice.id, "Alice")
        assigned = tickets.save(session, transitions.assign(ticket, desk.alice.id, "Alice", actor, desk.now))
        tickets.save(session, transitions.resolve(assigned, actor, desk.now))
    desk.work()


def later(desk: SmallDesk, **time: float) -> None:
    desk.later(**time)
    asking.drain(desk.context)
    asking.drain(desk.context)
    desk.work()


def link(desk: SmallDesk, recipient: str = BOB) -> str:
    """The path of the newest question."""
    content: Any = desk.letters("rating", recipient)[-1]["content"]
    found = re.search(r"https://desk\.example\.test(/rate/[^?]+)\?score=5", content["text"])
    assert found
    return found[1]


def browser(desk: SmallDesk) -> TestClient:
    return TestClient(create_app(desk.store, desk.store.settings, clock=lambda: desk.now), follow_redirects=False)


def rating(desk: SmallDesk, number: int = 1) -> csat.Rating | None:
    with desk.store.database.reading() as session:
        return csat.of_ticket(session, number)


def test_the_requester_is_asked_once_when_the_time_has_come_and_reminded_once(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Printer", BROKEN))
    solve(desk)
    later(desk, minutes=30)
    assert desk.letters("rating") == []
    later(desk, minutes=31)
    (letter,) = desk.letters("rating", BOB)
    content: Any = letter["content"]
    assert content["subject"] == "How did we do? Your request #1" and content["automatic"]
    assert content["text"].count("?score=") == 5
    later(desk, days=4)
    later(desk, days=30)
    assert len(desk.letters("rating")) == 2
    assert [kind for kind in desk.kinds(1) if kind.startswith("rating")] == ["rating_asked", "rating_reminded"]


def test_a_program_that_follows_links_does_not_vote_a_person_does(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Printer", BROKEN))
    solve(desk)
    later(desk, hours=2)
    client, path = browser(desk), link(desk)
    assert 'value="1" required checked' in client.get(path, params={"score": 1}).text
    assert client.head(path, params={"score": 1}).status_code == 200
    found = rating(desk)
    assert found and (found.state, found.score) == ("asked", None)
    answer = client.post(path, data={"score": "5", "comment": "Fast!"})
    assert answer.status_code == 303
    assert "Your rating is kept" in client.get(answer.headers["location"]).text
    found = rating(desk)
    assert found and (found.state, found.score, found.comment) == ("rated", 5, "Fast!")
    assert [(e.after, e.why) for e in desk.events(1) if e.kind == "rated"] == [("5", "Fast!")]
    later(desk, days=10)
    assert len(desk.letters("rating")) == 1


def test_minds_may_change_for_two_weeks_and_the_same_answer_twice_is_one(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Printer", BROKEN))
    solve(desk)
    later(desk, hours=2)
    client, path = browser(desk), link(desk)
    for score in ("5", "5", "4"):
        client.post(path, data={"score": score})
    assert [(e.before, e.after) for e in desk.events(1) if e.kind == "rated"] == [("", "5"), ("5", "4")]
    desk.later(days=14, minutes=1)
    assert client.post(path, data={"score": "1"}).status_code == 422
    found = rating(desk)
    assert found and found.score == 4
    assert "cannot be changed" in client.get(path).text


def test_a_bad_answer_tells_the_leads(desk: SmallDesk) -> None:
    with desk.store.database.transaction() as session:
        session.execute(sa.update(agents).where(agents.c.id == desk.max.id).values(role="lead"))
    desk.receive(desk.mail(BOB, "Printer", BROKEN))
    solve(desk)
    later(desk, hours=2)
    before = len(desk.letters("notice", desk.max.address))
    client, path = browser(desk), link(desk)
    client.post(path, data={"score": "3"})
    desk.work()
    assert len(desk.letters("notice", desk.max.address)) == before
    client.post(path, data={"score": "2", "comment": "It is broken again."})
    desk.work()
    content: Any = desk.letters("notice", desk.max.address)[-1]["content"]
    assert "A requester is not content" in content["text"] and "It is broken again." in content["text"]


@pytest.mark.parametrize("language", ["de", "fr", "es", "pt"])
def test_mail_and_page_are_in_the_requesters_language(desk: SmallDesk, language: str) -> None:
    desk.receive(desk.mail(BOB, "Printer", BROKEN))
    with desk.store.database.transaction() as session:
        session.execute(sa.update(people_table).where(people_table.c.address == BOB).values(language=language))
    solve(desk)
    later(desk, hours=2)
    page = browser(desk).get(link(desk)).text
    assert f'<html lang="{language}">' in page
    assert "How did we do" not in page
    content: Any = desk.letters("rating")[0]["content"]
    assert "One click" not in content["text"]


def test_nobody_is_asked_twice_in_a_month(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Printer", BROKEN), desk.mail(BOB, "Invoice", "Please send me a copy of the invoice."))
    solve(desk, 1)
    solve(desk, 2)
    later(desk, hours=2)
    assert len(desk.letters("rating")) == 1
    assert rating(desk, 2) is None


@pytest.mark.parametrize(
    "sender", ["no-reply@shop.example.test", "Mailer <donotreply@shop.example.test>", "support@desk.example.test"]
)
def test_nobody_is_asked_where_nobody_reads(desk: SmallDesk, sender: str) -> None:
    desk.receive(desk.mail(sender, "Printer", BROKEN))
    for ticket in desk.tickets():
        solve(desk, ticket.id)
    later(desk, hours=2)
    assert desk.letters("rating") == []


def test_who_is_opened_again_before_the_question_is_not_asked(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Printer", BROKEN))
    solve(desk)
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, 1, lock=True)
        assert ticket is not None
        tickets.save(session, transitions.reopen(ticket, DESK, desk.now))
    later(desk, hours=2)
    assert desk.letters("rating") == [] and rating(desk) is None


def test_as_shipped_nobody_is_asked(any_store: Store) -> None:
    desk = SmallDesk(any_store)
    desk.receive(desk.mail(CAROL, "Printer", BROKEN))
    solve(desk)
    later(desk, days=3)
    assert desk.letters("rating") == []


def test_a_link_that_somebody_made_up_opens_nothing(desk: SmallDesk) -> None:
    desk.receive(desk.mail(BOB, "Printer", BROKEN))
    solve(desk)
    later(desk, hours=2)
    client, path = browser(desk), link(desk)
    wrong = path.replace("/rate/1-", "/rate/2-")
    for made_up in (wrong, path[:-1] + "x", "/rate/1", "/rate/" + "9" * 30 + path[6:]):
        assert client.get(made_up).status_code == 404
        assert client.post(made_up, data={"score": "1"}).status_code == 404
    assert client.post(path, data={"score": "9"}).status_code == 422
    with desk.store.database.reading() as session:
        asked = people.by_address(session, BOB)
        assert asked and csat.was_asked_since(session, asked.id, desk.now - timedelta(days=1), 0)
