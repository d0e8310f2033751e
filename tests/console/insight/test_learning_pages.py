"""What agents teach in the console, and what the console shows of it: the whole loop, accuracy, rules, undo."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from classifier import artefact, starter
from console.routes import create_app
from storage.access import api_tokens
from storage.learning import accuracy, models
from storage.learning.models import Model
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from storage.runtime import key_values
from storage.tickets import corrections, tickets
from tests.console.conftest import Browser, csrf
from tests.console.fixtures_desk import PASSWORD, hashed, promote
from tests.small_desk import ALICE, CAROL, MAX, SmallDesk
from tests.storage.rows import corrections_of_ticket
from tests.workers.training.test_learning_loop import GARDEN, look, now_of
from workers.runtime.active_model import ModelWatch, register_starter
from workers.training import train as training
from workers.training.train import TrainingRequest

pytestmark = [pytest.mark.usefixtures("small_starter"), pytest.mark.slow]

RECOMPUTE = Path(__file__).parents[3] / "docs" / "recompute_accuracy.py"
NEW = "Facilities / Plants"


@dataclass
class Place:
    """A small desk, and a lead and an agent with browsers."""

    desk: SmallDesk
    lead: Browser
    agent: Browser
    stranger: TestClient


@pytest.fixture
def place(store: Store) -> Iterator[Place]:
    desk = SmallDesk(store, delivers=False)
    register_starter(store, desk.now)
    desk.context.watch = ModelWatch(store)
    with store.database.transaction() as session:
        for address, name in ((ALICE, "Alice Agent"), (MAX, "Max Agent")):
            people.add_agent(session, NewAgent(address, name, "agent", hashed()), desk.now)
        promote(session, desk.alice.id, "lead")
    app = create_app(store, store.settings, clock=lambda: desk.now)
    with TestClient(app) as one, TestClient(app) as other, TestClient(app) as third:
        lead, agent = Browser(one), Browser(other)
        assert lead.sign_in("alice", PASSWORD).status_code == 303
        assert agent.sign_in("max", PASSWORD).status_code == 303
        yield Place(desk, lead, agent, third)


def ask_garden(desk: SmallDesk) -> None:
    for number, text in enumerate(GARDEN, start=1):
        desk.receive(desk.mail(CAROL if number == 1 else f"p{number}@home.example.test", "Plants", text))


def post(client: TestClient, ticket: int, category: Any, **headers: str) -> Any:
    return client.post(f"/api/v1/tickets/{ticket}/category", json={"category": category}, headers=headers)


def test_three_corrections_by_the_api_change_what_the_next_training_predicts_and_the_reasons(place: Place) -> None:
    desk, client = place.desk, place.agent.client
    ask_garden(desk)
    token = csrf(client.get("/tickets/1").text)
    for number in (1, 2, 3):
        answer = post(client, number, NEW, **{"X-CSRF-Token": token})
        assert (answer.status_code, answer.json()["category"]) == (200, NEW)
    with desk.store.database.reading() as session:
        assert corrections.count_after(session, 0) == 3
        assert {row["via"] for row in corrections_of_ticket(session, 1)} == {"api"}
    desk.later(hours=1)
    assert training.retrain(desk.store, now_of(desk), TrainingRequest()).state == models.ACTIVE
    look(desk)
    desk.receive(desk.mail("new@home.example.test", "Plants", "Please water the begonias tomorrow"))
    found = client.get("/api/v1/tickets/4").json()["prediction"]
    assert found["category"] == NEW
    assert "begonias" in [word for word, _ in found["reasons"]]
    why = client.get("/tickets/4/why").text
    assert f"Why {NEW}" in why and '<mark class="for' in why and "begonias</mark>" in why


def test_the_api_writes_for_a_token_that_may_and_for_nobody_else(place: Place) -> None:
    ask_garden(place.desk)
    with place.desk.store.database.transaction() as session:
        may = api_tokens.create(session, "sorter", ["tickets:write"], place.desk.now)
        reads = api_tokens.create(session, "reader", ["tickets"], place.desk.now)
    client = place.stranger
    assert post(client, 1, NEW).status_code == 401
    assert post(client, 1, NEW, Authorization=f"Bearer {reads}").status_code == 403
    assert post(place.agent.client, 1, NEW).status_code == 403, "a session needs the page's token"
    assert post(client, 1, NEW, Authorization=f"Bearer {may}").json()["category"] == NEW
    assert post(client, 1, 7, Authorization=f"Bearer {may}").status_code == 422
    assert post(client, 999, NEW, Authorization=f"Bearer {may}").status_code == 404
    wrong = client.post("/api/v1/tickets/1/category", content=b"{", headers={"Authorization": f"Bearer {may}"})
    assert wrong.status_code == 415
    (event,) = [event for event in place.desk.events(1) if event.kind == "category_changed"]
    assert (event.actor.name, event.actor.id) == ("API token sorter", None)


def test_one_click_takes_a_suggestion_and_one_click_confirms_it(place: Place) -> None:
    ask_garden(place.desk)
    place.agent.press("/tickets/1/category", "/tickets/1", category=NEW)
    place.agent.press("/tickets/1/category", "/tickets/1", category=NEW)
    kinds = [event.kind for event in place.desk.events(1) if event.kind.startswith("category")]
    assert kinds == ["category_changed", "category_confirmed"]
    assert "Confirm: Facilities / Plants" in place.agent.get("/tickets/1").text


def test_teach_me_asks_until_an_agent_has_spoken(place: Place) -> None:
    place.desk.receive(place.desk.mail(CAROL, "Hm", "zeppelin xylophone"))
    page = place.agent.get("/accuracy/teach").text
    assert "zeppelin xylophone" in page
    back = place.agent.press("/tickets/1/category", "/accuracy/teach", category=NEW, next="/accuracy/teach")
    assert back.headers["location"] == "/accuracy/teach"
    assert "Nothing to label" in place.agent.get("/accuracy/teach").text
    away = place.agent.press("/tickets/1/category", "/accuracy", category=NEW, next="//evil.example.test")
    assert away.headers["location"] == "/tickets"


def test_the_accuracy_page_adds_up_and_its_csv_recomputes_to_the_same(place: Place, tmp_path: Path) -> None:
    desk = place.desk
    for number in range(6):
        desk.receive(desk.mail(f"p{number}@home.example.test", "Login", f"I cannot log in, password {number}"))
    place.agent.press("/tickets/1/category", "/tickets/1", category="Access / Authentication")
    place.agent.press("/tickets/2/category", "/tickets/2", category=NEW)
    assert place.agent.get("/accuracy").status_code == 200
    place.agent.act(3, "update", priority="low", was_priority=str(desk.ticket(3).priority))
    page = place.agent.client.get("/api/v1/accuracy").json()
    assert [(row["agents_made"], row["tickets"]) for row in page["priorities"]] == [("low", 1)]
    assert (page["all"]["count"], page["all"]["said"], page["all"]["first_guess_accuracy"]) == (6, 2, 0.5)
    assert [row["truth"] for row in page["confusions"]] == [NEW]
    assert [row["ticket_id"] for row in page["worst"]] == [2]
    path = tmp_path / "guesses.csv"
    path.write_bytes(place.agent.get("/accuracy/guesses.csv").content)
    done = subprocess.run([sys.executable, str(RECOMPUTE), str(path)], capture_output=True, text=True, check=True)
    lines = dict(line.split(" ", 1) for line in done.stdout.splitlines() if "\t" not in line)
    assert (lines["tickets"], lines["first_guess_accuracy"]) == ("6", "0.5")
    assert float(lines["automatic_accuracy"]) == page["all"]["automatic_accuracy"]
    assert len(RECOMPUTE.read_text().splitlines()) <= 20
    assert len(place.agent.client.get("/accuracy/guesses.json").json()) == 6


def test_a_category_that_is_a_formula_stays_text_in_a_spreadsheet(place: Place) -> None:
    ask_garden(place.desk)
    place.agent.press("/tickets/1/category", "/tickets/1", category='=HYPERLINK("http://evil.example.test")')
    csv = place.agent.get("/accuracy/guesses.csv").text
    assert "'=HYPERLINK" in csv and ",=HYPERLINK" not in csv and '"=HYPERLINK' not in csv


def test_a_category_added_is_told_as_hints_and_one_word_as_a_trial(place: Place) -> None:
    desk, page = place.desk, "/accuracy"
    assert "Active model: <strong>starter</strong>" in place.lead.get(page).text
    assert place.lead.press("/categories/add", "/rules", name=NEW, words="begonia, watering").status_code == 303
    desk.later(hours=1)
    training.retrain(desk.store, now_of(desk), TrainingRequest())
    assert "Active model: <strong>starter and hints</strong>: the starter with the words of 1 category" in (
        place.lead.get(page).text
    )
    ask_garden(desk)
    place.agent.press("/tickets/1/category", "/tickets/1", category=NEW)
    desk.later(hours=1)
    training.retrain(desk.store, now_of(desk), TrainingRequest())
    told = place.lead.get(page).text
    assert "Active model: <strong>on trial</strong>" in told and "149 are missing" in told
    assert place.lead.client.get("/api/v1/accuracy").json()["model"]["name"] == "on trial"


def test_leads_train_promote_and_go_back_and_agents_may_not(place: Place) -> None:
    desk = place.desk
    parts = replace(starter.shipped().parts, version="desk-2")
    folder = desk.store.settings.data / models.FOLDER
    artefact.write(parts, folder / "desk-2")
    with desk.store.database.transaction() as session:
        models.add(session, Model("desk-2", desk.now, models.KEPT, activated_at=None))
    for path in ("train", "promote", "rollback"):
        assert place.agent.press(f"/accuracy/{path}", "/tickets", version="desk-2").status_code == 403
    assert place.lead.press("/accuracy/promote", "/accuracy", version="desk-2").status_code == 303
    assert active(desk.store) == "desk-2"
    assert place.lead.press("/accuracy/rollback", "/accuracy").status_code == 303
    assert active(desk.store) == starter.VERSION
    (folder / "desk-2" / "vocab.json").write_text("{}")
    assert place.lead.press("/accuracy/promote", "/accuracy", version="desk-2").status_code == 409
    assert active(desk.store) == starter.VERSION, "what cannot be read is not promoted"
    place.lead.press("/accuracy/train", "/accuracy")
    with desk.store.database.reading() as session:
        assert "Alice" in key_values.get(session, key_values.ASKED)["why"]


def test_a_broken_model_is_an_alarm_on_the_page(place: Place) -> None:
    folder = place.desk.store.settings.data / models.FOLDER / starter.VERSION
    assert 'role="alert"' not in place.agent.get("/accuracy").text
    (folder / "model.npz").write_bytes(b"cposix\nsystem\n(S'false'\ntR.")
    assert "cannot be trusted" in place.agent.get("/accuracy").text


def test_a_rule_is_written_tested_and_switched_on_by_a_lead(place: Place) -> None:
    ask_garden(place.desk)
    rule = {"name": "plants", "category": NEW, "any": "begonia*", "kind": "hard"}
    assert place.agent.press("/rules/add", "/tickets", **rule).status_code == 403
    page = place.lead.press("/rules/add", "/rules", **rule)
    assert "It would have changed 3 tickets" in page.text
    assert "off" in place.lead.get("/rules").text
    assert place.lead.press("/rules/switch", "/rules", name="plants", on="yes").status_code == 303
    place.desk.context._configuration = None
    place.desk.receive(place.desk.mail("z@home.example.test", "Plants", "More begonias"))
    assert place.desk.ticket(4).category == NEW
    assert "rule “plants”" in place.agent.get("/tickets/4").text
    bad = place.lead.press("/rules/add", "/rules", name="empty", category="x")
    assert (bad.status_code, "words that must be there" in bad.text) == (422, True)


def test_a_category_is_added_and_retired_on_the_page(place: Place) -> None:
    place.lead.press("/categories/add", "/rules", name=NEW, words="begonia watering")
    assert "begonia watering" in place.lead.get("/rules").text
    place.lead.press("/categories/retire", "/rules", name=NEW, active="no")
    assert "retired" in place.lead.get("/rules").text
    assert place.lead.press("/categories/retire", "/rules", name="nonsense", active="no").status_code == 404


def test_what_a_requester_wrote_is_never_markup_on_these_pages(place: Place) -> None:
    evil = '<img src=x onerror="alert(1)"> zeppelin xylophone'
    place.desk.receive(place.desk.mail(CAROL, evil, evil))
    for path in ("/accuracy/teach", "/tickets/1/why", "/rules", "/accuracy"):
        assert "<img src=x" not in place.agent.get(path).text


def active(store: Store) -> str:
    with store.database.reading() as session:
        found = models.active_model(session)
    return found.version if found else ""


def test_the_facts_count_silence_only_for_finished_tickets(place: Place) -> None:
    desk = place.desk
    desk.receive(desk.mail(CAROL, "Login", "I cannot log in, my password is locked"))
    with desk.store.database.reading() as session:
        (fact,) = accuracy.load_guesses(session, accuracy.weeks_before(desk.now, 1))
    assert (fact.truth, fact.right) == (None, None)
    place.agent.act(1, "update", status="resolved", was_status="new")
    with desk.store.database.reading() as session:
        (fact,) = accuracy.load_guesses(session, accuracy.weeks_before(desk.now, 1))
        assert tickets.get(session, 1) is not None
    assert (fact.truth_from, fact.right) == ("silence", True)
    assert json.dumps(fact.language) == '"en"'
