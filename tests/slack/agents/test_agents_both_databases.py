"""The way of orders, edits and files on both databases: once, whoever works on them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from starlette.applications import Starlette

from desk.config.settings import Settings
from gateway.slack import http
from gateway.slack.events import bolt_app
from storage.open_store import Store
from tests.slack import payloads
from tests.slack.agents_desk import AgentsDesk, over_http, small
from tests.slack.fake_slack import APP_TOKEN, BOT_TOKEN, FakeSlack
from tests.slack.serving import SIGNING_SECRET, Poster, now, served
from tests.small_desk import BOB, SmallDesk
from workers.slack import actor as slack_actor
from workers.slack import pending_files


@pytest.fixture
def agents_on_any(any_store: Store, slack: FakeSlack) -> Iterator[AgentsDesk]:
    settings: Settings = replace(
        any_store.settings,
        slack_bot_token=BOT_TOKEN,
        slack_app_token=APP_TOKEN,
        slack_signing_secret=SIGNING_SECRET,
        slack_api_url=slack.api_url,
    )
    desk = SmallDesk(replace(any_store, settings=settings))
    small(desk)
    with served(Starlette(routes=http.routes(bolt_app(desk.store, settings, now), SIGNING_SECRET))) as port:
        yield AgentsDesk(desk, slack, over_http(Poster(port)))


def test_note_reply_edit_file_and_resolve(agents_on_any: AgentsDesk) -> None:
    agents = agents_on_any
    ticket = agents.mail()
    agents.says(ticket.id, "a note")
    shared = agents.slack.share("F0PDF", "how.pdf", b"%PDF", "application/pdf")
    agents.says(ticket.id, "!reply See the file.", files=[shared])
    agents.says(ticket.id, "!resolve a new toner")
    assert [str(one.kind) for one in agents.desk.messages(ticket.id)] == ["reply", "note", "reply"]
    assert (agents.desk.ticket(ticket.id).status, agents.desk.ticket(ticket.id).resolution) == (
        "resolved",
        "a new toner",
    )
    assert len(agents.desk.sent("reply", BOB)) == 1
    direct = payloads.direct("one", files=[shared])
    agents.does(direct)
    agents.does(payloads.edited(direct, "two"))
    agents.does(payloads.deleted(direct))
    (message,) = agents.desk.messages(2)
    assert message.reply == "two" and message.trust.withdrawn and message.attachments[0].sha256
    assert agents.desk.states() == {"ticketed": 2, "command": 5}


def test_orders_and_files_are_worked_once_by_many_at_once(agents_on_any: AgentsDesk) -> None:
    agents = agents_on_any
    ticket = agents.mail()
    root = agents.card(ticket.id)["ts"]
    shared = agents.slack.share("F0DOG", "dog.png", b"dog", "image/png")
    for number in range(6):
        agents.give(payloads.in_thread(f"note {number}", root))
        agents.give(payloads.direct(f"help {number}", files=[shared]))
    context = agents.desk.context
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: slack_actor.drain(context), range(4)))
    agents.desk.work()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: pending_files.drain(context), range(4)))
    notes = [message.reply for message in agents.desk.messages(ticket.id) if message.kind == "note"]
    assert sorted(notes) == [f"note {number}" for number in range(6)]
    others = [one.id for one in agents.desk.tickets() if one.id != ticket.id]
    assert all(agents.desk.kinds(number).count("file_fetched") == 1 for number in others) and len(others) == 6


def test_the_files_of_one_message_may_arrive_at_the_same_moment(agents_on_any: AgentsDesk) -> None:
    agents = agents_on_any
    shared = [agents.slack.share(f"F0{n}", f"{n}.png", b"dog %d" % n, "image/png") for n in range(8)]
    agents.give(payloads.direct("help", files=shared))
    context = agents.desk.context
    agents.desk.work()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: pending_files.drain(context), range(4)))
    (ticket,) = agents.desk.tickets()
    assert all(one.sha256 for one in agents.desk.messages(ticket.id)[0].attachments)
