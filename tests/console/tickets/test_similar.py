"""Solved tickets beside a new one that is like them: shown with reasons, used with one click, counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

import frontdesk
from console.routes import create_app
from desk.tickets import transitions
from desk.tickets.ticket import Actor, ActorKind
from storage.access import api_tokens
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from storage.tables.tickets import teams
from storage.tickets import tickets
from tests.console.conftest import Browser
from tests.console.fixtures_desk import PASSWORD, hashed
from tests.small_desk import ALICE, BOB, CAROL, MAX, SmallDesk
from tests.storage.rows import suggestion_outcomes
from usecases.tickets import conversation
from usecases.tickets.conversation import Written

TOKEN = "The VPN token shows error 4711 since this morning, please help me to get it renewed."
ANSWER = "Please open the Kestrel app and press renew."


@dataclass
class Place:
    """A desk with one solved ticket (#1), one like it (#2) and one unlike it (#3)."""

    desk: SmallDesk
    alice: Browser
    max: Browser

    def uses(self) -> dict[str, int]:
        with self.desk.store.database.reading() as session:
            return suggestion_outcomes(session, "similar")


@pytest.fixture
def place(store: Store) -> Iterator[Place]:
    desk = SmallDesk(store, delivers=False)
    with store.database.transaction() as session:
        for address, name in ((ALICE, "Alice Agent"), (MAX, "Max Agent")):
            people.add_agent(session, NewAgent(address, name, "agent", hashed()), desk.now)
    desk.receive(desk.mail(BOB, "VPN token", TOKEN))
    solve(desk, 1)
    desk.receive(
        desk.mail(CAROL, "token of the vpn", "my vpn token is broken, error 4711"),
        desk.mail(CAROL, "Holiday", "How many days of leave do I have this year?"),
    )
    app = create_app(store, store.settings, clock=lambda: desk.now)
    with TestClient(app) as one, TestClient(app) as other:
        alice, max_ = Browser(one), Browser(other)
        assert alice.sign_in("alice", PASSWORD).status_code == 303
        assert max_.sign_in("max", PASSWORD).status_code == 303
        yield Place(desk, alice, max_)


def solve(desk: SmallDesk, number: int) -> None:
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, number, lock=True)
        assert ticket is not None
        actor = Actor(ActorKind.AGENT, desk.alice.id, "Alice")
        replied = conversation.reply(session, ticket, Written(actor, ANSWER, desk.now, via="console"))
        tickets.save(session, transitions.resolve(replied, actor, desk.now))
    desk.work()


def test_the_page_shows_what_was_solved_before_with_the_words_that_say_so(place: Place) -> None:
    page = place.alice.get("/tickets/2").text
    assert "Similar solved tickets" in page and '<a href="/tickets/1#message-' in page
    assert '<span class="tag">vpn</span>' in page and ANSWER in page
    assert "Similar solved tickets" not in place.alice.get("/tickets/3").text


def test_one_click_puts_the_answer_into_the_reply_even_without_scripts(place: Place) -> None:
    page = place.alice.get("/tickets/2?use=similar-1").text
    assert f'aria-describedby="kind-hint">\n{ANSWER}</textarea>' in page
    assert 'name="used" value="similar-1"' in page
    assert ANSWER + "</textarea>" not in place.alice.get("/tickets/3?use=similar-1").text


@pytest.mark.parametrize(
    ("text", "used", "outcome"),
    [(ANSWER, "similar-1", "used"), (f"Hello Carol,\n{ANSWER}", "similar-1", "edited"), ("No.", "", "ignored")],
)
def test_what_became_of_a_suggestion_is_counted(place: Place, text: str, used: str, outcome: str) -> None:
    place.alice.act(2, "reply", text=text, kind="reply", used=used, offered="similar-1 ")
    place.alice.act(2, "reply", text="One more thing.", kind="reply", offered="similar-1 ")
    assert place.uses() == {outcome: 1}


def test_an_answer_to_a_ticket_without_suggestions_counts_nothing(place: Place) -> None:
    place.alice.act(3, "reply", text="Thirty.", kind="reply", offered="", used="nonsense-1 similar-x")
    assert place.uses() == {}


def test_a_private_teams_solutions_are_for_its_members(place: Place) -> None:
    with place.desk.store.database.transaction() as session:
        session.execute(sa.update(teams).where(teams.c.name == "Support").values(private=True))
        people.add_agent(session, NewAgent(ALICE, "Alice Agent", "agent", hashed(), [1]), place.desk.now)
    assert "Similar solved tickets" in place.alice.get("/tickets/2").text
    assert "Similar solved tickets" not in place.max.get("/tickets/2").text


def test_programs_get_the_same_by_api_and_command(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = place.desk.store
    with store.database.transaction() as session:
        value = api_tokens.create(session, "reader", ["tickets"], place.desk.now)
    answer = place.max.client.get("/api/v1/tickets/2/similar", headers={"Authorization": f"Bearer {value}"}).json()
    (one,) = answer["similar"]
    assert (one["ticket_id"], one["resolution"]) == (1, ANSWER) and "vpn" in one["because"]
    monkeypatch.setenv("FRONTDESK_DATA_DIR", store.settings.data_dir)
    monkeypatch.setenv("FRONTDESK_SECRET_KEY", store.settings.secret_key)
    assert frontdesk.main(["similar", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == answer
    assert frontdesk.main(["similar", "2"]) == 0 and "press renew" in capsys.readouterr().out
    assert frontdesk.main(["similar", "99"]) == 1


def test_the_answer_names_neither_the_other_requester_nor_the_other_agent(place: Place) -> None:
    desk = place.desk
    desk.receive(desk.mail(f"Bob Baker <{BOB}>", "Kestrel token", "The kestrel token says error 9009 all day long."))
    said = f"Hi Bob,\n\n{ANSWER.lower()}\n\nKind regards\nAlice Agent\nSupport\n\n\n"
    with desk.store.database.transaction() as session:
        ticket = tickets.get(session, 4, lock=True)
        assert ticket is not None
        actor = Actor(ActorKind.AGENT, desk.alice.id, "Alice Agent")
        replied = conversation.reply(session, ticket, Written(actor, said, desk.now, via="console"))
        tickets.save(session, transitions.resolve(replied, actor, desk.now))
    desk.work()
    desk.receive(desk.mail(CAROL, "Token of the kestrel", "My kestrel token says error 9009."))
    page = place.max.get("/tickets/5?use=similar-4").text
    assert f'aria-describedby="kind-hint">\nP{ANSWER.lower()[1:]}</textarea>' in page
