"""What is edited or taken back in Slack stays to be seen, and files that are shared there are files of the ticket."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from desk.config.settings import Settings
from tests.slack import payloads
from tests.slack.agents_desk import AgentsDesk
from tests.slack.fake_slack import Trouble
from tests.small_desk import BOB
from workers.outbound.errors import TransportError
from workers.outbound.slack_api import checked
from workers.slack import files as slack_files

DOG = b"a picture of a dog"


def _direct(agents: AgentsDesk, text: str, **more: Any) -> dict[str, Any]:
    body = payloads.direct(text, **more)
    agents.does(body)
    return body


def test_an_edit_shows_the_new_words_and_keeps_the_old_ones(agents: AgentsDesk) -> None:
    first = _direct(agents, "The printer on floor 2")
    agents.does(payloads.edited(first, "The printer on floor 3 &lt;left&gt;"))
    (ticket,) = agents.desk.tickets()
    (message,) = agents.desk.messages(ticket.id)
    assert message.reply == message.text == "The printer on floor 3 <left>"
    event = agents.desk.events(ticket.id)[-1]
    assert (event.kind, event.before, event.after) == (
        "message_edited",
        "The printer on floor 2",
        "The printer on floor 3 <left>",
    )
    assert (event.actor.kind, event.message_id, event.data.via) == ("requester", message.id, "slack")
    assert any("changed a message" in line for line in agents.lines(ticket.id))


def test_an_edit_that_is_told_twice_is_one_event(http_agents: AgentsDesk) -> None:
    first = _direct(http_agents, "one")
    body = payloads.edited(first, "two")
    http_agents.does(body)
    http_agents.does(body | {"event_id": "EvOTHER"})
    kinds = http_agents.desk.kinds(1)
    assert kinds.count("message_edited") == 1


def test_a_preview_is_no_edit(http_agents: AgentsDesk) -> None:
    first = _direct(http_agents, "see https://x.example")
    http_agents.does(payloads.edited(first, "see https://x.example"))
    assert "message_edited" not in http_agents.desk.kinds(1)


def test_an_edit_that_comes_before_its_message_is_settled_waits_for_it(http_agents: AgentsDesk) -> None:
    first = payloads.direct("one")
    http_agents.give(first)
    http_agents.give(payloads.edited(first, "two"))
    from workers.slack import actor as slack_actor

    slack_actor.drain(http_agents.desk.context)
    http_agents.work()
    http_agents.desk.later(seconds=30)
    http_agents.work()
    assert http_agents.desk.messages(1)[0].reply == "two"


def test_a_message_that_is_taken_back_keeps_its_words_and_is_marked(agents: AgentsDesk) -> None:
    first = _direct(agents, "My password is hunter2")
    agents.does(payloads.deleted(first))
    (message,) = agents.desk.messages(1)
    assert message.reply == "My password is hunter2" and message.trust.withdrawn
    assert agents.desk.events(1)[-1].kind == "message_withdrawn"


def test_a_sent_reply_stays_as_it_was_sent_when_its_message_is_edited(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    root, at = http_agents.card(ticket.id)["ts"], payloads.ts()
    said = payloads.in_thread("!reply Switch it off.", root, at=at)
    http_agents.does(said)
    http_agents.does(payloads.edited(said, "!reply Switch it on."))
    message = http_agents.desk.messages(ticket.id)[-1]
    assert message.reply == "Switch it off." and len(http_agents.desk.sent("reply", BOB)) == 1
    event = next(one for one in http_agents.desk.events(ticket.id) if one.kind == "message_edited")
    assert event.why == "the requester has the first words"


def test_an_edited_note_is_an_edited_note(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    said = payloads.in_thread("!note it is teh toner", http_agents.card(ticket.id)["ts"])
    http_agents.does(said)
    http_agents.does(payloads.edited(said, "!note it is the toner, <@U0ALICE|Eve>"))
    assert http_agents.desk.messages(ticket.id)[-1].reply == "it is the toner, @Alice Agent"


def test_edits_of_what_is_not_ours_are_not_kept(http_agents: AgentsDesk) -> None:
    stranger = payloads.said_in_channel("private talk")
    http_agents.does(payloads.edited(stranger, "more private talk"))
    assert http_agents.desk.states() == {}


def test_a_requesters_file_is_fetched_and_is_a_file_of_the_ticket(agents: AgentsDesk) -> None:
    shared = agents.slack.share("F0DOG", "dog.png", DOG, "image/png")
    _direct(agents, "look", subtype="file_share", files=[shared])
    (file,) = agents.desk.messages(1)[0].attachments
    assert (file.name, file.media_type, file.size) == ("dog.png", "image/png", len(DOG))
    with agents.desk.store.database.reading() as session:
        assert agents.desk.store.blobs.get(session, file.sha256) == DOG
    assert agents.desk.kinds(1).count("file_fetched") == 1
    _direct(agents, "and this", thread_ts=agents.desk.tickets()[0].conversation.split(":")[-1], files=[shared])
    assert "_Files: dog.png_" in agents.lines(1)[-1]


def test_a_busy_slack_is_asked_again_when_it_says_so(http_agents: AgentsDesk) -> None:
    http_agents.slack.state.troubles.append(Trouble("busy", "download", 60))
    shared = http_agents.slack.share("F0DOG", "dog.png", DOG, "image/png")
    _direct(http_agents, "look", files=[shared])
    http_agents.desk.later(seconds=59)
    http_agents.work()
    assert http_agents.desk.messages(1)[0].attachments[0].sha256 == ""
    http_agents.desk.later(seconds=2)
    http_agents.work()
    assert http_agents.desk.messages(1)[0].attachments[0].sha256


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"url_private_download": "http://169.254.169.254/latest/meta-data"}, "not Slack's"),
        ({"url_private_download": "https://slack.com.evil.example/x"}, "not Slack's"),
        ({"url_private_download": "https://files.slack.com@evil.example/x"}, "not Slack's"),
        ({"url_private_download": "file:///etc/passwd"}, "not Slack's"),
        ({"redirect": "http://169.254.169.254/"}, "not Slack's"),
        ({"size": 10**12}, "larger than"),
        ({"mode": "external", "is_external": True}, "not in Slack"),
    ],
)
def test_a_file_that_cannot_be_had_stays_named_with_the_reason(
    http_agents: AgentsDesk, wrong: dict[str, Any], why: str
) -> None:
    shared = http_agents.slack.share("F0DOG", "dog.png", DOG, "image/png", **wrong)
    _direct(http_agents, "look", files=[{"id": shared["id"], "name": "dog.png"}])
    (file,) = http_agents.desk.messages(1)[0].attachments
    assert (file.name, file.sha256) == ("dog.png", "") and why in file.missing
    event = next(one for one in http_agents.desk.events(1) if one.kind == "file_missing")
    assert why in event.why
    assert all(token == "xoxb-of-these-tests" for token in http_agents.slack.state.downloads)


def test_a_page_to_sign_in_is_no_file(http_agents: AgentsDesk) -> None:
    """What Slack shows at a file's address to a token without the right."""
    http_agents.slack.share("F0DOG", "dog.png", DOG, "image/png", redirect="")
    http_agents.slack.state.signed_out = True
    with pytest.raises(TransportError, match="files:read"):
        slack_files.fetch(http_agents.desk.store.settings, "F0DOG")


def test_without_the_right_the_file_is_named_with_it_in_the_end(http_agents: AgentsDesk) -> None:
    http_agents.slack.state.scopes.clear()
    shared = http_agents.slack.share("F0DOG", "dog.png", DOG, "image/png")
    _direct(http_agents, "look", files=[shared])
    for _ in range(8):
        http_agents.desk.later(hours=5)
        http_agents.work()
    assert "missing_scope" in http_agents.desk.messages(1)[0].attachments[0].missing


def test_more_bytes_than_slack_said_are_not_taken(http_agents: AgentsDesk) -> None:
    http_agents.slack.share("F0BIG", "big.bin", b"x" * 5000, "application/octet-stream", size=10)
    small = replace(http_agents.desk.store.settings, max_message_bytes=1000)
    with pytest.raises(TransportError, match="larger than"):
        slack_files.fetch(small, "F0BIG")


@pytest.mark.parametrize("url", ["https://files.slack.com/x", "https://slack.com/x", "https://a.slack-files.com/x"])
def test_slacks_own_hosts_are_known(url: str) -> None:
    assert checked(Settings(), url).hostname
    with pytest.raises(TransportError):
        checked(Settings(), url.replace("https", "http"))
    with pytest.raises(TransportError):
        checked(Settings(), url.replace(".com", ".com.evil.example"))


def test_an_agents_file_in_the_thread_goes_with_the_reply(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    shared = http_agents.slack.share("F0PDF", "how to.pdf", b"%PDF", "application/pdf")
    http_agents.says(ticket.id, "!reply See the file.", files=[shared], subtype="file_share")
    (mail,) = http_agents.desk.sent("reply", BOB)
    assert [part.get_filename() for part in mail.iter_attachments()] == ["how to.pdf"]


def test_a_reply_whose_file_cannot_be_had_is_not_sent_without_it(http_agents: AgentsDesk) -> None:
    ticket = http_agents.mail()
    http_agents.says(ticket.id, "!reply See the file.", files=[{"id": "F0GONE", "name": "gone.pdf"}])
    assert http_agents.desk.sent("reply", BOB) == [] and "gone.pdf" in http_agents.whispered()
    http_agents.says(ticket.id, "only a note", files=[{"id": "F0GONE", "name": "gone.pdf"}])
    assert http_agents.desk.messages(ticket.id)[-1].kind == "note" and "is missing" in http_agents.whispered()


@pytest.mark.parametrize("lose", [False, True])
def test_an_agents_file_reaches_a_requester_in_slack_once(http_agents: AgentsDesk, lose: bool) -> None:
    desk, slack = http_agents.desk, http_agents.slack
    root = payloads.ts()
    _direct(http_agents, "how?", at=root)
    shared = slack.share("F0PDF", "how to.pdf", b"%PDF", "application/pdf")
    if lose:
        slack.state.troubles.append(Trouble("lose", "files.completeUploadExternal"))
    http_agents.says(1, "!reply See the file.", files=[shared])
    desk.later(seconds=30)
    for message in slack.state.messages[payloads.DM]:
        message["ts"] = f"{desk.now.timestamp():.6f}" if message.get("files") else message["ts"]
    http_agents.work()
    posted = [one for one in slack.state.posted(payloads.DM) if one.get("files")]
    assert [(one["thread_ts"], one["files"][0]["title"]) for one in posted] == [(root, "how to.pdf")]
    assert slack.state.contents[posted[0]["files"][0]["id"]] == b"%PDF"
