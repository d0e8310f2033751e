"""A small desk whose support team works in Slack: Alice is linked, her team has a channel, Bob writes mails.

It takes what somebody does in Slack, by either mode, and returns the desk and the fake Slack, after the workers have
seen to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from desk.channels import Channel
from desk.slack.orders import Button
from desk.tickets.ticket import Ticket
from storage.people import accounts, people
from tests.slack import payloads
from tests.slack.fake_slack import FakeSlack
from tests.slack.serving import Poster
from tests.small_desk import BOB, SmallDesk
from workers.events import dispatch
from workers.inbound import ingest
from workers.outbound import deliver
from workers.slack import actor as slack_actor
from workers.slack import pending_files

ACCOUNT = f"slack:{payloads.TEAM}:U0ALICE"
Deliver = Callable[[dict[str, Any]], str]
"""Gives Slack's body to the desk; returns what it says to a typed command."""


@dataclass
class AgentsDesk:
    """One desk with its Slack."""

    desk: SmallDesk
    slack: FakeSlack
    give: Deliver

    def does(self, body: dict[str, Any]) -> str:
        """Somebody does something in Slack."""
        if trigger := body.get("trigger_id"):
            self.slack.state.triggers.add(trigger)
        answer = self.give(body)
        self.work()
        return answer

    def work(self) -> None:
        context = self.desk.context
        while sum([
            ingest.drain(context), slack_actor.drain(context), dispatch.drain(context), pending_files.drain(context),
            deliver.drain(context),
        ]):  # fmt: skip
            pass

    def mail(self, subject: str = "Printer", text: str = "It is broken.") -> Ticket:
        """Bob writes; his ticket."""
        self.desk.receive(self.desk.mail(BOB, subject, text))
        self.work()
        return self.desk.tickets()[-1]

    def card(self, number: int, channel: str = payloads.AGENTS) -> dict[str, Any]:
        """The ticket's card in a channel."""
        found = [one for one in self.slack.state.posted(channel) if one["text"].startswith(f"#{number} ")]
        assert len(found) == 1, f"{len(found)} cards"
        return found[0]

    def lines(self, number: int) -> list[str]:
        """What stands in the thread under the card."""
        root = self.card(number)["ts"]
        return [one["text"] for one in self.slack.state.posted(payloads.AGENTS) if one.get("thread_ts") == root]

    def says(self, number: int, text: str, **more: Any) -> str:
        """Somebody writes in the ticket's thread; returns the message's moment."""
        at = more.pop("at", "") or payloads.ts()
        self.does(payloads.in_thread(text, self.card(number)["ts"], at=at, **more))
        return str(at)

    def presses(self, number: int, button: Button, **more: Any) -> None:
        self.does(payloads.pressed(str(button), str(number), self.card(number), **more))

    def opens(self, number: int, button: Button, **more: Any) -> dict[str, Any]:
        """Somebody presses a button that opens a window; the window."""
        before = len(self.slack.state.views)
        self.presses(number, button, **more)
        self.slack.wait(lambda: len(self.slack.state.views) > before)
        return self.slack.state.views[-1]

    def whispered(self, user: str = "U0ALICE") -> str:
        """What only this person saw last."""
        found = self.slack.state.whispered(user)
        return found[-1] if found else ""


def small(desk: SmallDesk) -> None:
    """The team's channel, and Alice's account."""
    with desk.store.database.transaction() as session:
        team = people.team_named(session, "Support")
        assert team is not None
        people.set_slack_channel(session, team.id, payloads.AGENTS)
        accounts.set_account(session, Channel.SLACK, desk.alice.id, ACCOUNT, desk.now)


def over_http(post: Poster) -> Deliver:
    def give(body: dict[str, Any]) -> str:
        content, kind = payloads.as_bytes(body)
        status, answer = post.signed(content, kind)
        assert status == 200
        return str(json.loads(answer)["text"]) if answer else ""

    return give


def over_socket(slack: FakeSlack) -> Deliver:
    def give(body: dict[str, Any]) -> str:
        answers = len(slack.socket.answers)
        envelope = slack.socket.send(body)
        slack.wait(lambda: envelope.id in slack.socket.acked)
        return str(slack.socket.answers[-1]["text"]) if len(slack.socket.answers) > answers else ""

    return give
