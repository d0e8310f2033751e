"""What the console shows of Slack: channels, the own account, and what was edited, taken back or not fetched."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from console.routes import create_app
from desk.signed import slack_link_code
from desk.tickets.ticket import DESK
from storage.people import people
from storage.tables.tickets import messages
from storage.tickets import tickets
from tests.console.conftest import Browser, Console
from usecases.tickets import message_edits


@pytest.fixture
def with_slack(console: Console) -> Iterator[Browser]:
    settings = replace(console.store.settings, slack_bot_token="xoxb-x")
    app = create_app(console.store, settings, clock=lambda: console.now[0])
    with TestClient(app, client=("192.0.2.8", 4000)) as client:
        browser = Browser(client)
        assert browser.sign_in("bob").status_code == 303
        yield browser


def test_a_lead_sets_the_channel_of_a_team(console: Console, with_slack: Browser) -> None:
    fields = {"strategy": "manual", "escalate_minutes": "30", "calendar": "", "slack_channel": " C0AGENTS "}
    assert with_slack.press("/teams/1", "/teams", **fields).status_code == 303
    with console.store.database.reading() as session:
        assert people.all_teams(session)[0].slack_channel == "C0AGENTS"
    assert 'value="C0AGENTS"' in with_slack.get("/teams").text
    assert with_slack.press("/teams/1", "/teams", **fields | {"slack_channel": "#agents"}).status_code == 422
    del fields["slack_channel"]
    assert with_slack.press("/teams/1", "/teams", **fields).status_code == 303
    with console.store.database.reading() as session:
        assert people.all_teams(session)[0].slack_channel == "C0AGENTS"


def test_without_slack_the_pages_do_not_speak_of_it(bob: Browser) -> None:
    assert "Slack channel" not in bob.get("/teams").text and "/frontdesk link" not in bob.get("/account").text


def test_the_account_page_shows_a_code_that_only_its_agent_could_have(console: Console, with_slack: Browser) -> None:
    found = re.search(r"/frontdesk link ([0-9a-z-]+)", with_slack.get("/account").text)
    assert found is not None
    with console.store.database.reading() as session:
        bob = people.by_address(session, "bob@corp.example.test")
    assert bob is not None
    assert slack_link_code.agent_of(found[1], console.now[0]) == bob.id
    assert slack_link_code.is_genuine(found[1], bob.key_version, console.store.secret)
    assert not slack_link_code.is_genuine(found[1], bob.key_version + 1, console.store.secret)
    assert (
        not slack_link_code.is_genuine(found[1].replace(f"{bob.id}-", "1-", 1), 1, console.store.secret) or bob.id == 1
    )


def test_an_edited_message_shows_what_it_said_before(console: Console, alice: Browser) -> None:
    message = console.messages()[0]
    with console.store.database.transaction() as session:
        session.via = "slack"
        message_edits.edit(session, message, "the <new> words", message.author, console.now[0])
    text = alice.get(f"/tickets/{console.things.ticket}").text
    assert "the &lt;new&gt; words" in text and "Edited; earlier versions" in text
    assert html.escape(message.reply.split("\n")[0]) in text and "changed a message in Slack" in text


def test_a_message_that_was_taken_back_is_marked_and_keeps_its_words(console: Console, alice: Browser) -> None:
    message = console.messages()[0]
    with console.store.database.transaction() as session:
        message_edits.withdraw(session, message, DESK, console.now[0], "taken back in Slack")
    text = alice.get(f"/tickets/{console.things.ticket}").text
    assert "Withdrawn by its author" in text and html.escape(message.reply.split("\n")[0]) in text


def test_a_file_without_bytes_is_named_with_the_reason(console: Console, alice: Browser) -> None:
    message = console.messages()[0]
    waits = {"name": "waits.png", "media_type": "image/png", "size": 1, "sha256": "", "content_id": "slack:F1"}
    gone = waits | {"name": "gone.png", "missing": "it is larger than <5> bytes"}
    with console.store.database.transaction() as session:
        session.execute(sa.update(messages).where(messages.c.id == message.id).values(attachments=[waits, gone]))
    text = alice.get(f"/tickets/{console.things.ticket}").text
    assert "on its way" in text and "could not be fetched: it is larger than &lt;5&gt; bytes" in text
    assert alice.get(f"/messages/{message.id}/files/0").status_code == 404
    with console.store.database.reading() as session:
        assert tickets.message(session, message.id) is not None
