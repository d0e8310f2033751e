"""The whole way: said in Slack, a ticket with number and owner in the thread, the agent's mail answers there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette

from desk.channels import Transport
from desk.config.settings import Settings
from gateway.slack import http
from gateway.slack.events import bolt_app
from gateway.slack.socket_mode import SocketMode
from storage.open_store import Store
from tests.slack import payloads
from tests.slack.fake_slack import FakeSlack, Trouble
from tests.slack.serving import SIGNING_SECRET, Poster, now, served
from tests.small_desk import ALICE, SmallDesk

Say = Callable[[dict[str, Any]], None]


@pytest.fixture
def desk(store: Store, slack_settings: Settings) -> SmallDesk:
    return SmallDesk(replace(store, settings=slack_settings))


@pytest.fixture(params=["signed HTTP", "Socket Mode"])
def say(request: pytest.FixtureRequest, desk: SmallDesk, slack: FakeSlack) -> Iterator[Say]:
    """Somebody says something, and the workers have seen to it."""
    app = bolt_app(desk.store, desk.store.settings, now)
    if request.param == "signed HTTP":
        with served(Starlette(routes=http.routes(app, SIGNING_SECRET))) as port:
            yield lambda body: _posted(Poster(port), desk, body)
        return
    line = SocketMode(app, desk.store.settings, ping_seconds=0.2)
    line.start()
    yield lambda body: _sent(slack, desk, body)
    line.close()


def test_a_message_in_slack_is_answered_by_an_agents_mail(say: Say, desk: SmallDesk, slack: FakeSlack) -> None:
    root = payloads.ts()
    say(payloads.direct("I cannot login to my account", at=root))
    (ticket,) = desk.tickets()
    assert (ticket.channel, ticket.subject) == ("slack", "I cannot login to my account")
    say(payloads.direct("It says: wrong password", thread_ts=root))
    desk.receive(desk.mail(ALICE, "Re:", "Try <!channel> again & now.", to=desk.notice_address(desk.alice, ticket.id)))
    assert [message.reply for message in desk.messages(ticket.id)] == [
        "I cannot login to my account",
        "It says: wrong password",
        "Try <!channel> again & now.",
    ]
    posted = slack.state.posted(payloads.DM)
    assert {one["thread_ts"] for one in posted} == {root}
    assert posted[0]["text"].startswith(f"*Ticket #{ticket.id}*: I cannot login")
    answers = [one["text"] for one in posted if "replied" in one["text"]]
    assert answers == ["*Alice Agent* replied:\nTry &lt;!channel&gt; again &amp; now."]
    assert desk.states() == {"ticketed": 1, "appended": 1, "command": 1}


def test_everybody_in_the_thread_of_a_mention_writes_to_one_ticket(say: Say, desk: SmallDesk) -> None:
    root = payloads.ts()
    say(payloads.mention("the printer is dead", at=root))
    say(payloads.said_in_channel("mine too", user="U0BEN", thread_ts=root))
    say(payloads.mention("and now it smokes", thread_ts=root))
    (ticket,) = desk.tickets()
    assert [message.author.name for message in desk.messages(ticket.id)] == [
        "Ann Example",
        "Ben Example",
        "Ann Example",
    ]


def test_a_reply_right_behind_its_parent_is_heard(desk: SmallDesk, slack: FakeSlack) -> None:
    root = payloads.ts()
    app = bolt_app(desk.store, desk.store.settings, now)
    with served(Starlette(routes=http.routes(app, SIGNING_SECRET))) as port:
        assert Poster(port)(payloads.mention("first", at=root)) == 200
        assert Poster(port)(payloads.said_in_channel("behind it", thread_ts=root)) == 200
    desk.work()
    assert desk.states() == {"ticketed": 1, "appended": 1}


def test_a_lost_answer_and_a_busy_slack_lose_and_double_nothing(say: Say, desk: SmallDesk, slack: FakeSlack) -> None:
    desk.now = now()
    slack.state.troubles += [Trouble("lose", "chat.postMessage"), Trouble("busy", "conversations.replies", 30)]
    say(payloads.direct("help", at=(root := payloads.ts())))
    desk.later(seconds=6)
    desk.work()
    desk.later(seconds=20)
    desk.work()
    assert len(slack.state.called("conversations.replies")) == 0
    desk.later(seconds=11)
    # The fake's clock is its own: its message is as young as the letter.
    slack.state.posted(payloads.DM)[0]["ts"] = f"{desk.now.timestamp():.6f}"
    desk.work()
    assert [one["thread_ts"] for one in slack.state.posted(payloads.DM)] == [root]
    assert [row["state"] for row in desk.letters() if row["transport"] == Transport.SLACK] == ["sent"]


def _posted(post: Poster, desk: SmallDesk, body: dict[str, Any]) -> None:
    assert post(body) == 200
    desk.work()


def _sent(slack: FakeSlack, desk: SmallDesk, body: dict[str, Any]) -> None:
    before = len(slack.socket.settled())
    slack.socket.send(body)
    slack.socket.wait_until_acked(before + 1)
    desk.work()
