"""One story of a staff desk, from the lost mailbox to the figures, by the public ways only, on both databases.

An employee asks through the API; the desk knows what it is, how urgent, whose; an agent notes and answers in the
console; the employee confirms by mail; solved, closed, an article drafted, the employee asked how it went.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from cli.data.apply import STARTERS
from console.routes import create_app
from desk.config.desk_toml import read
from desk.knowledge.csat import CsatSettings
from desk.reports import period
from gateway.web.app import routes
from storage.access import api_tokens
from storage.knowledge import articles, csat_settings
from storage.knowledge.articles import Audience
from storage.open_store import Store
from storage.people import people
from storage.people.people import NewAgent
from storage.reports import report as report_rows
from storage.reports.report import ReportQuery
from storage.sla import timers as sla_timers
from storage.tickets import lifecycle
from tests.console.conftest import Browser
from tests.console.fixtures_desk import PASSWORD, hashed
from tests.small_desk import SmallDesk, words
from usecases.config import apply as configuration
from workers.timers import csat, report_rollup
from workers.timers import lifecycle as moving_on
from workers.timers import sla as ticking

EMMA, INA, OLE = "emma@corp.example.test", "ina@corp.example.test", "ole@corp.example.test"
MEMBERS = f"""
[[agent]]
address = "{INA}"
name = "Ina Tech"
role = "lead"
skills = ["category:Access / Email"]
[[agent]]
address = "{OLE}"
name = "Ole Tech"
skills = ["category:Hardware / Printer"]
[[team]]
name = "IT Support"
strategy = "skill"
members = ["{INA}", "{OLE}"]
"""
ASKED = "I have lost access to my e-mail since this morning. Outlook says my mailbox cannot be opened. I cannot work."


@dataclass
class Story:
    """The desk with its doors: the API for the employee's portal, the console for Ina."""

    desk: SmallDesk
    api: TestClient
    token: str
    ina: Browser

    def pass_time(self, **time: float) -> None:
        self.desk.later(**time)
        ticking.drain(self.desk.context)
        moving_on.drain(self.desk.context)
        csat.drain(self.desk.context)
        self.desk.work()


@pytest.fixture
def story(any_store: Store) -> Any:
    settings = replace(any_store.settings, public_url="https://desk.example.test")
    desk = SmallDesk(replace(any_store, settings=settings))
    with any_store.database.transaction() as session:
        starter = read(tomllib.loads((STARTERS / "internal.toml").read_text(encoding="utf-8")))
        configuration.apply(session, starter, desk.now)
        configuration.apply(session, read(tomllib.loads(MEMBERS)), desk.now)
        people.add_agent(session, NewAgent(INA, "Ina Tech", "lead", hashed()), desk.now)
        csat_settings.set_rules(session, CsatSettings(ask_rating=True))
        lifecycle.set_rules(session, replace(lifecycle.rules(session), close_days=7))
        token = api_tokens.create(session, "portal", ("inbound",), desk.now)
    desk.context._configuration = None
    doors = routes(desk.store, settings, clock=lambda: desk.now)
    app = create_app(desk.store, settings, clock=lambda: desk.now)
    with (
        TestClient(Starlette(routes=doors)) as api,
        TestClient(app, base_url="https://desk.example.test", client=("192.0.2.9", 4000)) as pages,
    ):
        ina = Browser(pages)
        assert ina.sign_in("ina", PASSWORD).status_code == 303
        yield Story(desk, api, token, ina)


def test_access_to_mail_is_lost_found_and_learned_from(story: Story) -> None:
    desk = story.desk
    _asks(story)
    ticket = desk.ticket(1)
    assert (ticket.category, ticket.priority) == ("Access / Email", "high")
    assert ticket.assignee_id == _person(desk, INA)
    assert any("Access / Email" in event.why for event in desk.events(1) if event.kind == "assigned")
    assert "Technology goes to IT Support" in " ".join(event.why for event in desk.events(1))
    with desk.store.database.reading() as session:
        assert {str(kind) for kind in sla_timers.clocks_of_tickets(session, [1])[1]} >= {"first_response", "resolution"}

    assert story.ina.act(1, "reply", kind="note", text="Her licence ran out.").status_code == 303
    assert story.ina.act(
        1, "reply", kind="reply", text="Please sign in again now, your licence is renewed."
    ).is_redirect
    story.pass_time(minutes=5)
    (answer,) = desk.sent("reply", EMMA)
    assert "licence is renewed" in words(answer) and "ran out" not in words(answer)

    confirmation = desk.mail(
        EMMA, str(answer["Subject"]), "It works again!", reply_to=str(answer["Message-ID"]).strip("<>")
    )
    desk.receive(confirmation)
    assert [message.reply for message in desk.messages(1)][-1] == "It works again!"
    _resolves(story)
    assert desk.ticket(1).status == "resolved" and "licence" in desk.ticket(1).resolution
    assert story.ina.act(1, "article").headers["location"] == "/articles/1?done=drafted"
    with desk.store.database.reading() as session:
        draft = articles.get(session, 1, Audience.INTERNAL)
    assert draft is not None and "licence is renewed" in draft.text and "Emma" not in draft.text

    story.pass_time(hours=2)
    _votes(story, 5)
    story.pass_time(days=8)
    assert desk.ticket(1).status == "closed"
    _history_and_figures_tell_it(desk)


def _asks(story: Story) -> None:
    body = {"email": EMMA, "name": "Emma", "subject": "Access to my e-mail is lost", "body": ASKED}
    answer = story.api.post("/api/v1/inbound", json=body, headers={"Authorization": f"Bearer {story.token}"})
    assert answer.status_code == 202
    story.desk.work()
    story.pass_time()


def _resolves(story: Story) -> None:
    page = story.ina.page(1)
    wanted = {"status": "resolved", "was_status": str(story.desk.ticket(1).status)}
    assert story.ina.act(1, "update", page, **wanted).status_code == 303
    story.desk.work()


def _votes(story: Story, score: int) -> None:
    """A mail scanner looks at every link first; only the person's click counts."""
    content: Any = story.desk.letters("rating", EMMA)[-1]["content"]
    found = re.search(r"https://desk\.example\.test(/rate/[^?\s]+)\?score=5", content["text"])
    assert found
    with TestClient(create_app(story.desk.store, story.desk.store.settings, clock=lambda: story.desk.now)) as guest:
        for number in range(1, 6):
            assert guest.get(f"{found[1]}?score={number}").status_code == 200
        assert "rated" not in story.desk.kinds(1)
        assert guest.post(found[1], data={"score": str(score), "comment": "Quick!"}).status_code in (200, 303)


def _history_and_figures_tell_it(desk: SmallDesk) -> None:
    kinds = desk.kinds(1)
    told = ["opened", "assigned", "noted", "replied", "requester_replied", "resolution_set", "status_changed", "rated"]
    assert [kind for kind in told if kind not in kinds] == []
    report_rollup.catch_up(desk.store, desk.now, timedelta())
    with desk.store.database.reading() as session:
        month = report_rows.report(session, period.read("", "", "UTC", desk.now), ReportQuery(), desk.now)
    assert (month.now.opened.count, month.now.resolved.count) == (1, 1)


def _person(desk: SmallDesk, address: str) -> int:
    with desk.store.database.reading() as session:
        found = people.by_address(session, address)
    assert found is not None
    return found.id
