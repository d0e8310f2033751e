"""What people say in Slack, by signed HTTP: which of it becomes a request, and that nothing does so twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from slack_bolt import App
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette

from desk.channels import Channel
from desk.config.settings import Settings
from desk.mail.inbound_request import InboundRequest
from gateway.intake import Incoming
from gateway.slack import http
from gateway.slack.events import bolt_app
from storage.open_store import Store
from tests.slack import payloads
from tests.slack.fake_slack import FakeSlack, Trouble
from tests.slack.serving import SIGNING_SECRET, Poster, now, served

Written = Callable[[], list[InboundRequest]]


def test_a_direct_message_becomes_a_request_before_slack_hears_ok(post: Poster, written: Written) -> None:
    at = payloads.ts()
    assert post(payloads.direct("The printer on floor 2 is dead\nIt blinks.", at=at)) == 200
    (request,) = written()
    assert request.channel is Channel.SLACK
    assert request.source == f"slack:{payloads.TEAM}"
    assert request.sender.address == f"slack:{payloads.TEAM}:U0ANN"
    assert request.subject == "The printer on floor 2 is dead"
    assert request.text == request.reply == "The printer on floor 2 is dead\nIt blinks."
    assert request.thread.conversation == f"slack:{payloads.TEAM}:{payloads.DM}:{at}"


def test_a_mention_becomes_a_request_without_the_bots_name(post: Poster, written: Written) -> None:
    assert post(payloads.mention("VPN &amp; mail are <https://status.example|down>")) == 200
    (request,) = written()
    assert request.text == "VPN & mail are down (https://status.example)"


def test_a_shortcut_opens_a_request_for_who_wrote_the_message(post: Poster, written: Written) -> None:
    assert post(payloads.shortcut("My badge does not work")) == 200
    (request,) = written()
    assert request.sender.address == f"slack:{payloads.TEAM}:U0ANN"
    assert ("opened_by", f"slack:{payloads.TEAM}:U0BEN") in request.fields


def test_a_shortcut_on_a_bots_message_is_the_request_of_who_pressed_it(post: Poster, written: Written) -> None:
    assert post(payloads.shortcut("Disk 91 % full", author="U0MON", bot_id="B0MON")) == 200
    assert written()[0].sender.address == f"slack:{payloads.TEAM}:U0BEN"


def test_another_shortcut_is_answered_and_opens_nothing(post: Poster, written: Written) -> None:
    assert post(payloads.shortcut("x") | {"callback_id": "translate"}) == 200
    assert written() == []


def test_four_deliveries_of_one_event_make_one_row(post: Poster, written: Written) -> None:
    assert post.delivered(payloads.direct("once")) == [200] * 4
    assert len(written()) == 1


def test_the_same_message_as_mention_event_and_shortcut_makes_one_row(post: Poster, written: Written) -> None:
    at, root = payloads.ts(), payloads.ts()
    assert post(payloads.mention("first", at=root)) == 200
    said = payloads.mention("help me", at=at, thread_ts=root)
    assert post(said) == 200
    text = said["event"]["text"]
    assert post(payloads.said_in_channel(text, at=at, thread_ts=root)) == 200
    assert post(payloads.shortcut(text, at=at, thread_ts=root)) == 200
    assert [request.external_id.rpartition(":")[2] for request in written()] == [root, at]


def test_replayed_signed_bytes_are_answered_and_make_one_row(post: Poster, written: Written) -> None:
    content, kind = payloads.as_bytes(payloads.direct("again"))
    at = str(int(now().timestamp()))
    assert [post.raw(content, kind, at=at) for _ in range(3)] == [200, 200, 200]
    assert len(written()) == 1


def test_later_messages_of_a_thread_have_its_conversation_whoever_writes(post: Poster, written: Written) -> None:
    root = payloads.ts()
    post(payloads.mention("it is broken", at=root))
    post(payloads.said_in_channel("here too", user="U0BEN", thread_ts=root))
    post(payloads.said_in_channel("fixed by itself", user="U0ANN", thread_ts=root))
    assert {request.thread.conversation for request in written()} == {
        f"slack:{payloads.TEAM}:{payloads.CHANNEL}:{root}"
    }
    assert [request.sender.name for request in written()] == ["Ann Example", "Ben Example", "Ann Example"]


def test_what_people_say_among_themselves_is_not_read(post: Poster, written: Written) -> None:
    assert post(payloads.said_in_channel("lunch?")) == 200
    assert post(payloads.said_in_channel("yes", thread_ts=payloads.ts())) == 200
    assert written() == []


def test_edits_deletions_and_bots_make_no_request_even_before_the_message_itself(
    post: Poster, written: Written
) -> None:
    original = payloads.direct("old")
    for body in (
        payloads.edited(original, "new"),
        payloads.deleted(original),
        payloads.by_a_bot("Ticket #1 is open"),
        payloads.by_a_bot("a poem", user="U0POET", bot_id="B0POET"),
        payloads.direct("I joined", subtype="channel_join"),
        payloads.direct("by our bot under its user name", user=payloads.BOT_USER),
    ):
        assert post(body) == 200
    assert written() == []
    assert post(original) == 200
    assert [request.text for request in written()] == ["old"]


def test_a_mention_added_by_an_edit_counts_unless_the_thread_is_a_ticket_already(
    post: Poster, written: Written
) -> None:
    late = payloads.mention("could you look?", edited={"user": "U0ANN", "ts": payloads.ts()})
    assert post(late) == 200
    again = payloads.mention("could you please look?", at=late["event"]["ts"], edited={"user": "U0ANN", "ts": "1.1"})
    assert post(again) == 200
    assert len(written()) == 1


def test_files_are_named_in_the_request(post: Poster, written: Written) -> None:
    files = [{"id": "F0SHOT", "name": "screen shot.png", "mimetype": "image/png", "size": 812}]
    assert post(payloads.direct("", subtype="file_share", files=files)) == 200
    (request,) = written()
    assert request.subject == "File: screen shot.png"
    (file,) = request.attachments
    assert (file.name, file.media_type, file.size, file.sha256) == ("screen shot.png", "image/png", 812, "")
    assert file.content_id == "slack:F0SHOT"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x.doc", "x.doc"),
        ("a\r\nb\0.txt", "a b .txt"),
        ("photo\u202egnp.exe", "photo gnp.exe"),
        ("x" * 400 + ".pdf", "x" * 180 + ".pdf"),
        ("..", "F0SHOT"),
    ],
)
def test_names_of_files_are_cleaned(post: Poster, written: Written, given: str, kept: str) -> None:
    files = [{"id": "F0SHOT", "name": given, "mimetype": "image/png", "size": 812}]
    assert post(payloads.direct("see this", subtype="file_share", files=files)) == 200
    (request,) = written()
    assert [file.name for file in request.attachments] == [kept]


def test_the_requesters_name_is_asked_once(post: Poster, written: Written, slack: FakeSlack) -> None:
    for text in ("one", "two"):
        post(payloads.direct(text))
    assert [request.sender.name for request in written()] == ["Ann Example"] * 2
    assert len(slack.state.called("users.info")) == 1


@pytest.mark.parametrize("trouble", ["busy", "html", "break", "lose"])
def test_a_slack_that_does_not_answer_keeps_no_request_out(
    post: Poster, written: Written, slack: FakeSlack, trouble: str
) -> None:
    slack.state.troubles.extend([Trouble(trouble, "auth.test", 5), Trouble(trouble, "users.info", 5)])
    assert post(payloads.direct("still here")) == 200
    assert len(written()) == 1


def test_a_revoked_token_keeps_no_request_out(post: Poster, written: Written, slack: FakeSlack) -> None:
    slack.state.revoked |= slack.state.bot_tokens
    assert post(payloads.direct("the bot may not speak, but it hears")) == 200
    assert len(written()) == 1


def test_starting_asks_slack_nothing(app: App, slack: FakeSlack) -> None:
    assert slack.state.calls == []


def test_an_event_of_another_workspace_is_refused(post: Poster, written: Written) -> None:
    body = payloads.direct("hello from elsewhere")
    body["team_id"] = body["authorizations"][0]["team_id"] = "T0OTHER"
    assert post(body) == 401
    assert written() == []


def test_an_old_event_signed_anew_opens_nothing(post: Poster, written: Written) -> None:
    body = payloads.direct("late") | {"event_time": payloads.EPOCH - 10 * 86_400}
    assert post(body) == 200
    assert written() == []


def test_a_database_that_is_down_gives_503_and_the_next_delivery_is_taken(
    store: Store, slack_settings: Settings, written: Written
) -> None:
    failures = [OperationalError("SELECT 1", {}, Exception("the server is away"))]

    def accept(store: Store, incoming: Sequence[Incoming], at: datetime) -> list[int]:
        from gateway.intake import accept as really

        if failures:
            raise failures.pop()
        return really(store, incoming, at)

    app = bolt_app(store, slack_settings, now, accept)
    with served(Starlette(routes=http.routes(app, SIGNING_SECRET))) as port:
        for body in (payloads.direct("patience"), payloads.shortcut("patience too")):
            failures[:] = [OperationalError("SELECT 1", {}, Exception("the server is away"))]
            assert Poster(port).delivered(body, retries=1) == [503, 200]
    assert len(written()) == 2


def test_what_nobody_listens_for_is_answered(post: Poster, written: Written) -> None:
    bodies: list[dict[str, Any]] = [
        payloads.event({"type": "app_home_opened", "user": "U0ANN", "tab": "home"}),
        payloads.event({"type": "tokens_revoked", "tokens": {"bot": ["U0BOT"]}}),
        {
            "type": "block_actions",
            "team": {"id": payloads.TEAM},
            "user": {"id": "U0ANN"},
            "actions": [{"action_id": "a", "block_id": "b", "type": "button"}],
        },
        {"type": "view_submission", "team": {"id": payloads.TEAM}, "user": {"id": "U0ANN"}, "view": {"id": "V1"}},
    ]
    assert [post(body) for body in bodies] == [200] * 4
    assert written() == []


def test_no_secret_of_slack_is_kept_with_the_request(post: Poster, store: Store, written: Written) -> None:
    post(payloads.direct("one"))
    post(payloads.shortcut("two"))
    with store.database.reading() as session:
        for row in session.connection.exec_driver_sql("select data from blobs"):
            assert b"that nobody should keep" not in row[0]
            assert b"a-secret-address" not in row[0]
    assert len(written()) == 2
