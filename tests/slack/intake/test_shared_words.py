"""A message of Slack carries its words wherever they stand: blocks, attachments, messages that were shared."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.slack.message_text import whole_text
from gateway.slack.messages import SlackMessage, read_message
from gateway.slack.orders import read_order
from gateway.slack.request import to_request
from tests.slack.payloads import direct, shortcut

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
RICH = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "The printer & scanner "},
                {"type": "text", "text": "burns", "style": {"bold": True}},
                {"type": "emoji", "name": "fire"},
                {"type": "link", "url": "https://wiki.example/p", "text": "see here"},
                {"type": "user", "user_id": "U0BEN"},
            ],
        },
        {
            "type": "rich_text_list",
            "style": "bullet",
            "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": "first floor"}]},
                {"type": "rich_text_section", "elements": [{"type": "text", "text": "second floor"}]},
            ],
        },
    ],
}
SHARE = {
    "is_share": True,
    "author_name": "Carl",
    "channel_name": "ops",
    "text": "The VPN is down since <https://x.example|nine>",
    "fallback": "[nine] Carl: The VPN is down",
    "from_url": "https://desk.slack.com/archives/C1/p1",
    "files": [{"id": "F0ONE", "name": "log.txt", "mimetype": "text/plain", "size": 3}],
}


def words(body: dict[str, Any]) -> str:
    said = read_message(body)
    assert isinstance(said, SlackMessage)
    return to_request(said, "Ann", NOW).text


def test_words_that_stand_in_blocks_and_in_the_text_are_said_once() -> None:
    text = "The printer &amp; scanner *burns*:fire:<https://wiki.example/p|see here><@U0BEN>\n• first floor"
    text += "\n• second floor"
    assert words(direct(text, blocks=[RICH])).count("burns") == 1
    assert words(direct(text, blocks=[RICH])).count("first floor") == 1


def test_blocks_speak_where_there_is_no_text() -> None:
    said = words(direct("", blocks=[RICH]))
    assert said.splitlines() == [
        "The printer & scanner burns:fire:see here (https://wiki.example/p)@U0BEN", "• first floor", "• second floor",
    ]  # fmt: skip


def test_sections_contexts_headers_and_pictures_carry_their_words() -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Alert <1>"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "Disk *full*"}, "fields": [
            {"type": "mrkdwn", "text": "Host"}, {"type": "plain_text", "text": "db1"}]},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "since 9"}, {"type": "image", "alt_text": "red"}]},
        {"type": "image", "title": {"type": "plain_text", "text": "Graph"}, "alt_text": "a line that rises"},
        {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Press"}}]},
        {"type": "divider"},
    ]  # fmt: skip
    said = words(direct("Alert", blocks=blocks))
    for part in ("Alert <1>", "Disk *full*", "Host", "db1", "since 9 red", "Graph", "a line that rises"):
        assert part in said
    assert "Press" not in said


def test_a_shared_message_comes_with_its_author_its_words_and_its_files() -> None:
    said = read_message(direct("Can you look at this?", attachments=[SHARE]))
    assert isinstance(said, SlackMessage) and [file.id for file in said.files] == ["F0ONE"]
    assert words(direct("Can you look at this?", attachments=[SHARE])) == (
        "Can you look at this?\n\nShared message of Carl in #ops:\nThe VPN is down since nine (https://x.example)"
    )


def test_a_shared_message_without_words_of_ones_own_is_a_request() -> None:
    said = read_message(direct("", attachments=[SHARE]))
    assert isinstance(said, SlackMessage)
    request = to_request(said, "Ann", NOW)
    assert "The VPN is down" in request.text and request.reply == request.text


def test_the_blocks_of_a_shared_message_are_read() -> None:
    share = {k: v for k, v in SHARE.items() if k not in ("text", "files")}
    share |= {"message_blocks": [{"team": "T1", "message": {"blocks": [RICH]}}]}
    assert "second floor" in words(direct("Look", attachments=[share]))


def test_an_attachment_of_a_program_carries_title_text_and_fields() -> None:
    alert = {"fallback": "x", "pretext": "Monitoring", "title": "CPU", "text": "at 100 %", "footer": "nagios",
             "fields": [{"title": "Host", "value": "web1"}]}  # fmt: skip
    said = words(shortcut("", attachments=[alert]))
    for part in ("Monitoring", "CPU", "at 100 %", "Host web1", "nagios"):
        assert part in said
    assert "only a fallback" in words(direct("See", attachments=[{"fallback": "only a fallback"}]))


def test_the_page_behind_a_link_is_nobodys_words() -> None:
    page = {"from_url": "https://news.example/a", "title": "Breaking news", "text": "Long article", "fallback": "x y z"}
    assert words(direct("See https://news.example/a", attachments=[page])) == "See https://news.example/a"


def test_a_command_in_a_shared_message_is_not_the_agents() -> None:
    share = SHARE | {"text": "#resolve"}
    said = read_message(direct("", attachments=[share]))
    assert isinstance(said, SlackMessage) and said.whole.startswith("Shared message of Carl")


def test_an_edit_keeps_what_was_shared() -> None:
    before = {"type": "message", "user": "U0ANN", "ts": "1.2", "text": "Lok", "attachments": [SHARE]}
    now = before | {"text": "Look", "edited": {"user": "U0ANN", "ts": "2.0"}}
    event = {"type": "message", "subtype": "message_changed", "channel": "D0ANN", "ts": "2.0", "message": now}
    heard = read_order({**direct("x"), "event": event | {"previous_message": before}})
    assert heard is not None and "The VPN is down" in heard.order.text and heard.order.text.startswith("Look")


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["type", "text", "elements", "blocks", "attachments", "fields", "message_blocks",
                                       "message", "files", "is_share", "fallback"]), inner, max_size=5),
    max_leaves=30,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["text", "blocks", "attachments"]), junk))
def test_whatever_it_looks_like_nothing_raises(message: dict[str, Any]) -> None:
    assert len(whole_text(message)) <= 80_010


@pytest.mark.parametrize("key", ["elements", "attachments"])
def test_deep_nesting_ends(key: str) -> None:
    inner: dict[str, Any] = {"type": "rich_text_list", "text": "end", "elements": []}
    for _ in range(500):
        inner = {"type": "rich_text_list", "is_share": True, "text": "more", key: [inner]}
    assert len(whole_text({"blocks": [{"type": "rich_text", "elements": [inner]}], "attachments": [inner]})) < 80_010
