"""The other doors as processes: a ticket from Slack or from the form is answered by the agent's mail."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from storage.mail import outbound
from storage.open_store import Store
from tests.servers.fleet import AGENT, Fleet, wait_until
from tests.slack import payloads
from tests.slack.fake_slack import APP_TOKEN, BOT_TOKEN, FakeSlack
from tests.slack.serving import SIGNING_SECRET, Poster
from tests.small_desk import words
from tests.whole.fixtures_town import CAROL, answer
from tests.whole.journey import messages, ticket

pytestmark = [pytest.mark.services, pytest.mark.slow]

QUESTION = "The projector in room 4 stays dark"


@pytest.mark.parametrize(
    ("any_store", "mode"), [("sqlite", "socket"), ("postgresql", "signed")], indirect=["any_store"]
)
def test_a_slack_message_is_answered_by_the_agents_mail_and_the_answer_stands_in_the_thread(
    any_store: Store, tmp_path: Path, mode: str
) -> None:
    said = payloads.direct(QUESTION)
    place, thread = said["event"]["channel"], said["event"]["ts"]
    with _slack_desk(any_store, tmp_path / "fleet", mode) as (fleet, slack, deliver):
        deliver(said)
        wait_until(lambda: _told(slack, place, thread, "*Ticket #1*"), "the thread was not told the number")
        assert ticket(fleet).channel == "slack" and QUESTION in ticket(fleet).subject
        _agent_answers(fleet, "Please press the green button.")
        wait_until(lambda: _told(slack, place, thread, "Please press the green button."), "no answer in the thread")
        deliver(payloads.direct("It shines, thank you!", thread_ts=thread))
        wait_until(lambda: len(messages(fleet)) == 3, "the second message was not appended")
        posted = [one["text"] for one in slack.state.posted(place)]
        assert fleet.states() == {"ticketed": 1, "command": 1, "appended": 1}
        assert not any(AGENT in text for text in posted) and len(posted) == len(set(posted))


def test_a_form_request_is_answered_by_the_agents_mail_and_the_answer_is_mailed(
    any_store: Store, tmp_path: Path
) -> None:
    with Fleet(any_store, tmp_path / "fleet") as fleet:
        fleet.start("valkey", "gateway", "worker1", "http")
        _wait_for_pages(fleet)
        token = _form_token(fleet)
        statuses = [_send_form(fleet, token) for _ in range(2)]
        assert statuses == [303, 303], fleet.log("http")[-3000:]
        fleet.wait_until_settled()
        assert ticket(fleet).channel == "web" and ticket(fleet).subject == QUESTION
        _agent_answers(fleet, "Please press the green button.")
        got = _caught(fleet, "reply")
        assert got["To"].addresses[0].addr_spec == CAROL and AGENT not in got.as_string()
        assert words(got).startswith("Please press the green button.")
        assert fleet.states() == {"ticketed": 1, "command": 1}


@contextmanager
def _slack_desk(
    store: Store, folder: Path, mode: str
) -> Iterator[tuple[Fleet, FakeSlack, Callable[[dict[str, object]], None]]]:
    """A desk on a Slack of our own, and how an event gets to it."""
    with FakeSlack() as slack, Fleet(store, folder) as fleet:
        fleet.environment |= {"FRONTDESK_SLACK_API_URL": slack.api_url, "FRONTDESK_SLACK_BOT_TOKEN": BOT_TOKEN}
        if mode == "socket":
            fleet.environment |= {"FRONTDESK_SLACK_APP_TOKEN": APP_TOKEN}
            fleet.start("valkey", "gateway", "worker1")
            slack.socket.wait_for_hello(1)
            yield fleet, slack, lambda body: _by_socket(slack, body)
        else:
            fleet.environment |= {"FRONTDESK_SLACK_SIGNING_SECRET": SIGNING_SECRET}
            fleet.start("valkey", "gateway", "worker1", "http")
            _wait_for_pages(fleet)
            yield fleet, slack, lambda body: _by_post(fleet, body)


def _by_socket(slack: FakeSlack, body: dict[str, object]) -> None:
    known = len(slack.socket.settled())
    slack.socket.send(body)
    slack.socket.wait_until_acked(known + 1)


def _by_post(fleet: Fleet, body: dict[str, object]) -> None:
    assert Poster(fleet.http_port).delivered(body, retries=1) == [200, 200]


def _told(slack: FakeSlack, place: str, thread: str, words: str) -> bool:
    return any(words in one["text"] for one in slack.state.posted(place) if one.get("thread_ts") == thread)


def _agent_answers(fleet: Fleet, text: str) -> None:
    """The agent replies to the notice, which the desk caught, since it has no relay."""
    made = answer(_caught(fleet, "notice"), f"Alice Agent <{AGENT}>", text)
    assert fleet.send(made.as_bytes(), AGENT, str(made["To"]))


def _caught(fleet: Fleet, kind: str) -> EmailMessage:
    """The first letter of that kind as a mail program would show it; waits for it."""
    found: list[bytes] = []

    def look() -> bool:
        with fleet.store.database.reading() as session:
            rows = [
                row
                for row in outbound.messages_of_ticket(session, 1)
                if row["kind"] == kind and row["state"] == "caught"
            ]
            found[:] = [fleet.store.blobs.get(session, row["raw"]) or b"" for row in rows[:1]]
        return bool(found)

    wait_until(look, f"no {kind} was written:\n{fleet.log('worker1')[-2000:]}")
    return message_from_bytes(found[0], policy=policy.default)


def _wait_for_pages(fleet: Fleet) -> None:
    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{fleet.http_port}/livez", timeout=2) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    wait_until(answers, f"the pages do not answer:\n{fleet.log('http')}")


def _form_token(fleet: Fleet) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{fleet.http_port}/request", timeout=10) as response:
        found = re.search(r'name="token" value="([^"]+)"', response.read().decode())
    assert found is not None
    return found[1]


def _send_form(fleet: Fleet, token: str) -> int:
    """The second time it is a double click."""
    fields = {"name": "Carol Example", "email": CAROL, "subject": QUESTION, "body": "Since Monday.", "token": token}
    connection = HTTPConnection("127.0.0.1", fleet.http_port, timeout=10)
    try:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/request", urlencode(fields), kind)
        return connection.getresponse().status
    finally:
        connection.close()
