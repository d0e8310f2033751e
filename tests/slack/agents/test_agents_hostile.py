"""Nobody acts in an agent's name in Slack, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette

from desk.channels import Channel
from desk.config.settings import Settings
from desk.slack import account as slack_account
from desk.slack.orders import Button, Kind, Order
from gateway.slack import http
from gateway.slack.events import bolt_app
from storage.access import visibility
from storage.mail import inbound
from storage.people import accounts, people
from storage.people.people import NewAgent
from storage.slack import threads as slack_threads
from tests.slack import payloads
from tests.slack.agents_desk import ACCOUNT, AgentsDesk, over_http, small
from tests.slack.fake_slack import FakeSlack, Trouble
from tests.slack.serving import SIGNING_SECRET, Poster, now, served
from tests.small_desk import BOB, SmallDesk, words

pytestmark = pytest.mark.slow

FORBIDDEN = {"replied", "noted", "assigned", "status_changed", "priority_changed"}


def _acted(agents: AgentsDesk) -> bool:
    events = [event for ticket in agents.desk.tickets() for event in agents.desk.events(ticket.id)]
    return any(event.kind in FORBIDDEN for event in events)


def test_a_name_makes_nobody_an_agent(http_agents: AgentsDesk) -> None:
    """Eve's profile shows Alice's name."""
    ticket = http_agents.mail()
    for text in ("!reply Send me your password.", "!take", "a note"):
        http_agents.says(ticket.id, text, user="U0EVE")
    http_agents.presses(ticket.id, Button.TAKE, user="U0EVE")
    assert not _acted(http_agents) and http_agents.desk.sent("reply") == []
    assert "belongs to no agent" in http_agents.whispered("U0EVE") and "U0EVE" in http_agents.whispered("U0EVE")
    assert http_agents.desk.states() == {"ticketed": 1, "refused": 4}
    assert "for the agents of the desk" in http_agents.does(payloads.typed(f"#{ticket.id}", user="U0EVE"))


def test_a_strangers_file_is_not_even_fetched(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    shared = http_agents.slack.share("F0BIG", "big.bin", b"0123456789")
    http_agents.says(ticket.id, "look", user="U0EVE", files=[shared], subtype="file_share")
    assert http_agents.desk.states() == {"ticketed": 1, "refused": 1} and http_agents.slack.state.downloads == []


def test_a_window_opens_for_agents_only(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    http_agents.presses(ticket.id, Button.ANSWER, user="U0EVE")
    http_agents.slack.wait(lambda: bool(http_agents.whispered("U0EVE")))
    assert http_agents.slack.state.views == [] and "for the agents" in http_agents.whispered("U0EVE")


def test_a_window_that_somebody_else_sends_does_nothing(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    view = http_agents.opens(ticket.id, Button.ANSWER)
    http_agents.does(payloads.submitted(view, {"text": "Hi", "kind": {"option": "reply"}}, user="U0EVE"))
    assert not _acted(http_agents)


@pytest.mark.parametrize(
    "said",
    [
        *({mark: True} for mark in ("is_restricted", "is_ultra_restricted", "is_stranger", "deleted", "is_bot")),
        {"team_id": "T0EVIL"},
        {"team_id": "T0EVIL", "enterprise_user": {"teams": ["T0EVIL"]}},
    ],
)
def test_a_guest_is_no_agent_even_if_linked(http_agents: AgentsDesk, said: dict[str, Any]) -> None:
    http_agents.slack.state.accounts["U0ALICE"] = said
    ticket = http_agents.mail()
    http_agents.says(ticket.id, "!take")
    assert not _acted(http_agents) and http_agents.desk.states()["refused"] == 1


def test_an_account_of_another_workspace_with_an_agents_id_is_refused(http_agents: AgentsDesk) -> None:
    """In a channel that is shared with another company."""
    ticket = http_agents.mail()
    http_agents.says(ticket.id, "!take", user_team="T0EVIL", source_team="T0EVIL")
    card = http_agents.card(ticket.id)
    evil = {"id": "U0ALICE", "team_id": "T0EVIL", "username": "alice", "name": "alice"}
    http_agents.does(payloads.pressed(str(Button.TAKE), str(ticket.id), card) | {"user": evil})
    assert not _acted(http_agents) and http_agents.desk.states()["refused"] == 2


@pytest.fixture
def post(small_desk: SmallDesk, slack: FakeSlack) -> Iterator[Poster]:
    small(small_desk)
    app = bolt_app(small_desk.store, small_desk.store.settings, now)
    with served(Starlette(routes=http.routes(app, SIGNING_SECRET))) as port:
        yield Poster(port)


def test_a_forged_or_old_signature_is_refused_for_every_kind_of_order(small_desk: SmallDesk, post: Poster) -> None:
    message = {"ts": payloads.ts()}
    view = {"id": "V1", "callback_id": str(Button.ANSWER), "private_metadata": '{"ticket": 1}'}
    bodies: list[dict[str, Any]] = [
        payloads.pressed(str(Button.TAKE), "1", message),
        payloads.submitted(view, {"text": "x"}),
        payloads.typed("#1 take"),
        payloads.in_thread("!take", payloads.ts()),
    ]
    old = str(int(now().timestamp()) - 301)
    for body in bodies:
        content, kind = payloads.as_bytes(body)
        assert post.raw(content, kind, signature="v0=" + "0" * 64) == 401
        assert post.raw(content, kind, signature="") == 401
        assert post.raw(content, kind, at=old) == 401
    assert small_desk.states() == {}


def test_another_workspace_is_refused_for_every_kind_of_order(small_desk: SmallDesk, post: Poster) -> None:
    message, evil = {"ts": payloads.ts()}, {"id": "T0EVIL", "domain": "evil"}
    pressed = payloads.pressed(str(Button.TAKE), "1", message) | {"team": evil}
    typed = payloads.typed("#1 take", team_id="T0EVIL")
    for body in (pressed, typed):
        content, kind = payloads.as_bytes(body)
        assert post.raw(content, kind) == 401
    assert small_desk.states() == {}


def test_a_button_that_is_delivered_twice_is_pressed_once(agents: AgentsDesk) -> None:
    ticket = agents.mail()
    body = payloads.pressed(str(Button.MORE), "", agents.card(ticket.id), option=f"hold:{ticket.id}")
    agents.does(body)
    agents.says(ticket.id, "!reopen")
    agents.give(body)
    agents.work()
    assert agents.desk.ticket(ticket.id).status == "open"


def test_a_window_that_is_sent_again_with_other_words_says_nothing_more(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    view = http_agents.opens(ticket.id, Button.ANSWER)
    for text in ("First.", "First.", "Second."):
        http_agents.does(payloads.submitted(view, {"text": text, "kind": {"option": "reply"}}))
    assert [words(mail).split("\n")[0] for mail in http_agents.desk.sent("reply", BOB)] == ["First."]


def test_a_message_that_is_delivered_three_times_is_one_note(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    body = payloads.in_thread("once", http_agents.card(ticket.id)["ts"])
    for event_id in ("Ev1", "Ev1", "Ev2"):
        http_agents.does(body | {"event_id": event_id})
    assert [str(one.kind) for one in http_agents.desk.messages(ticket.id)].count("note") == 1


def test_an_order_is_carried_out_once_by_many_workers(http_agents: AgentsDesk) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from workers.slack import actor as slack_actor

    ticket = http_agents.mail()
    for number in range(5):
        http_agents.give(payloads.in_thread(f"note {number}", http_agents.card(ticket.id)["ts"]))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: slack_actor.drain(http_agents.desk.context), range(4)))
    http_agents.work()
    notes = [message.reply for message in http_agents.desk.messages(ticket.id) if message.kind == "note"]
    assert sorted(notes) == [f"note {number}" for number in range(5)]


def test_a_private_ticket_is_neither_shown_nor_changed_by_others(http_agents: AgentsDesk) -> None:
    desk = http_agents.desk
    ticket = http_agents.mail()
    with desk.store.database.transaction() as session:
        other = people.team_named(session, "Billing")
        assert other is not None
        visibility.set_private(session, other.id, private=True)
    root = http_agents.card(ticket.id)
    http_agents.says(ticket.id, "!team Billing")
    assert root["text"] == f"#{ticket.id} is not worked on here any more." and "broken" not in str(root["blocks"])
    before = len(desk.events(ticket.id))
    http_agents.does(payloads.in_thread("!take", root["ts"]))
    assert "that you may see" in http_agents.whispered() and len(desk.events(ticket.id)) == before
    assert "There is no ticket" in http_agents.does(payloads.typed(f"#{ticket.id}"))


def test_who_may_only_read_changes_nothing(http_agents: AgentsDesk) -> None:
    desk = http_agents.desk
    with desk.store.database.transaction() as session:
        people.add_agent(session, NewAgent("alice@corp.example.test", "", "read-only"), desk.now)
    ticket = http_agents.mail()
    http_agents.says(ticket.id, "!take")
    assert not _acted(http_agents) and "may not assign tickets" in http_agents.whispered()
    assert http_agents.desk.kinds(ticket.id)[-1] == "not_permitted"
    assert http_agents.desk.messages(ticket.id)[-1].reply == "!take", "the words are kept"


def test_an_agent_who_left_is_no_agent_in_slack(http_agents: AgentsDesk) -> None:
    with http_agents.desk.store.database.transaction() as session:
        people.set_active(session, http_agents.desk.alice.id, active=False)
    ticket = http_agents.mail()
    http_agents.says(ticket.id, "!take")
    assert not _acted(http_agents)


@pytest.mark.parametrize(
    ("wanted", "confirmed", "linked"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_an_address_links_only_if_slack_confirmed_it_and_the_desk_wants_it(
    small_desk: SmallDesk, slack: FakeSlack, wanted: bool, confirmed: bool, linked: bool
) -> None:
    small(small_desk)
    settings: Settings = replace(small_desk.store.settings, slack_match_email=wanted)
    desk = small_desk
    desk.store = desk.context.store = replace(desk.store, settings=settings)
    with desk.store.database.transaction() as session:
        accounts.set_account(session, Channel.SLACK, desk.alice.id, "", desk.now)
    profile = {"real_name": "Somebody", "email": "Alice@Corp.example.test"}
    slack.state.accounts["U0ALICE"] = {"profile": profile, "is_email_confirmed": confirmed}
    app = bolt_app(desk.store, settings, now)
    with served(Starlette(routes=http.routes(app, SIGNING_SECRET))) as port:
        agents = AgentsDesk(desk, slack, over_http(Poster(port)))
        ticket = agents.mail()
        agents.says(ticket.id, "!take")
    with desk.store.database.reading() as session:
        person = people.by_address(session, "alice@corp.example.test")
        assert person is not None
        assert (accounts.account_of(session, Channel.SLACK, person.id) == ACCOUNT) is linked
    assert (desk.ticket(ticket.id).assignee_id == desk.alice.id) is linked


@pytest.mark.parametrize("domain", ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example"])
def test_an_address_links_in_either_spelling_of_its_domain(small_desk: SmallDesk, domain: str) -> None:
    with small_desk.store.database.transaction() as session:
        agent = people.add_agent(session, NewAgent("ute@bücher.example", "Ute", "agent"), small_desk.now)
        answer = {"user": {"profile": {"email": f"Ute@{domain}"}, "is_email_confirmed": True}}
        order = Order(Kind.PRESSED, "T1", "U0UTE", email=slack_account.read(answer, "").email)
        matched = slack_threads.agent_of(session, order, by_email=True)
    assert matched is not None and matched.id == agent.id


def test_an_address_never_takes_the_place_of_another_account(http_agents: AgentsDesk, slack: FakeSlack) -> None:
    desk = http_agents.desk
    desk.store = desk.context.store = replace(desk.store, settings=replace(desk.store.settings, slack_match_email=True))
    profile = {"real_name": "Eve", "email": "alice@corp.example.test"}
    slack.state.accounts["U0EVE"] = {"profile": profile, "is_email_confirmed": True}
    ticket = http_agents.mail()
    http_agents.says(ticket.id, "!take", user="U0EVE")
    assert not _acted(http_agents)


def test_a_thread_whose_card_is_not_written_down_yet_is_waited_for(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    root = http_agents.card(ticket.id)["ts"]
    with http_agents.desk.store.database.transaction() as session:
        session.connection.exec_driver_sql("DELETE FROM slack_threads")
    http_agents.does(payloads.in_thread("early", root))
    assert http_agents.desk.states() == {"ticketed": 1}
    with http_agents.desk.store.database.transaction() as session:
        session.connection.exec_driver_sql(
            f"INSERT INTO slack_threads VALUES ('{payloads.AGENTS}', '{root}', {ticket.id})"
        )
    http_agents.desk.later(seconds=30)
    http_agents.work()
    assert http_agents.desk.messages(ticket.id)[-1].reply == "early"


def test_an_order_that_breaks_us_is_quarantined_and_can_be_released(
    http_agents: AgentsDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers.slack import commands as slack_commands

    ticket = http_agents.mail()
    with monkeypatch.context() as broken:
        broken.setattr(slack_commands, "_do", lambda *_: 1 / 0)
        http_agents.says(ticket.id, "kept")
        assert http_agents.desk.states() == {"ticketed": 1, "quarantined": 1}
    with http_agents.desk.store.database.transaction() as session:
        (row,) = inbound.list_by_state(session, ["quarantined"])
        assert inbound.request_release(session, row["id"])
    http_agents.work()
    assert http_agents.desk.messages(ticket.id)[-1].reply == "kept" and len(http_agents.desk.tickets()) == 1


def test_a_busy_slack_delays_the_card_and_its_lines_but_loses_none(http_agents: AgentsDesk) -> None:
    desk, slack = http_agents.desk, http_agents.slack
    slack.state.troubles.append(Trouble("busy", "chat.postMessage", 45))
    desk.receive(desk.mail(BOB, "Printer", "It is broken.", message_id="first@x"))
    http_agents.work()
    desk.receive(desk.mail(BOB, "Re: Printer", "Still broken.", reply_to="first@x"))
    http_agents.work()
    assert slack.state.posted(payloads.AGENTS) == []
    desk.later(seconds=44)
    http_agents.work()
    assert slack.state.posted(payloads.AGENTS) == []
    desk.later(seconds=400)
    http_agents.work()
    desk.later(seconds=400)
    http_agents.work()
    assert http_agents.lines(1) == ["*bob@home.example.test* wrote:\nStill broken."]


def test_a_window_that_opens_too_late_is_told_of(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    http_agents.give(payloads.pressed(str(Button.ANSWER), str(ticket.id), http_agents.card(ticket.id)))
    http_agents.slack.wait(lambda: bool(http_agents.whispered()))
    assert "Press the button again" in http_agents.whispered() and http_agents.slack.state.views == []


def test_no_trigger_and_no_answering_address_is_kept(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    http_agents.does(payloads.typed(f"#{ticket.id} take"))
    store = http_agents.desk.store
    with store.database.reading() as session:
        rows = session.connection.exec_driver_sql("SELECT raw, request FROM inbound").all()
        kept = b"".join((store.blobs.get(session, row[0]) or b"") + row[1].encode() for row in rows)
    assert b"trigger" not in kept and b"hooks.slack" not in kept and b"verification token" not in kept


def test_an_agent_of_another_workspace_of_our_own_organisation_acts(http_agents: AgentsDesk) -> None:
    whole = {"teams": ["T0OTHER", payloads.TEAM]}
    http_agents.slack.state.accounts["U0ALICE"] = {"team_id": "T0OTHER", "enterprise_user": whole}
    ticket = http_agents.mail()
    http_agents.says(ticket.id, "!take")
    assert _acted(http_agents)


def test_slack_looks_for_no_mentions_of_its_own_in_a_requesters_words(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    blocks = [one for one in http_agents.card(ticket.id)["blocks"] if one["type"] == "section"]
    assert blocks and all(one["text"]["verbatim"] for one in blocks)
