"""Only what Slack signed within five minutes is read, and nothing that comes makes the door fall over."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.slack.events import bolt_app
from gateway.slack.http import MOST_BYTES, routes
from gateway.slack.messages import Ignored, SlackMessage, read_message
from gateway.slack.mrkdwn import plain_text
from gateway.slack.request import to_request
from storage.open_store import Store
from tests.slack import payloads
from tests.slack.serving import Poster, now, signature_of

MOMENT = datetime(2026, 10, 5, 12, tzinfo=UTC)
AT = str(int(MOMENT.timestamp()))


@pytest.mark.parametrize("secret", ["", " ", "\t\n"])
def test_without_a_signing_secret_there_is_no_address(store: Store, secret: str) -> None:
    assert routes(bolt_app(store, store.settings, now), secret) == []


def test_wrong_none_stale_swapped_and_garbled_signatures_are_refused(post: Poster, written: Any) -> None:
    content, kind = payloads.as_bytes(payloads.direct("let me in"))
    at = str(int(now().timestamp()))
    good = signature_of(at, content)
    stale, early = str(int(at) - 301), str(int(at) + 400)
    tries = [
        {"at": at, "signature": good[:-1] + ("0" if good[-1] != "0" else "1")},
        {"at": at, "signature": ""},
        {"at": at, "signature": "v1" + good[2:]},
        {"at": at, "signature": "v0=é"},
        {"at": stale, "signature": signature_of(stale, content)},
        {"at": early, "signature": signature_of(early, content)},
        {"at": at, "signature": signature_of(at, content.replace(b"let me in", b"let us in"))},
        {"at": at, "signature": signature_of(at, content, "another secret")},
        {"at": "", "signature": ""},
    ]
    assert [post.raw(content, kind, at=one["at"], signature=one["signature"]) for one in tries] == [401] * len(tries)
    assert written() == []


@pytest.mark.parametrize("at", ["abc", "", "-5", "1e9", "9" * 40, "9" * 5000, "nan", "²", "0x7"])
def test_a_time_that_is_no_number_or_not_now_is_refused(post: Poster, at: str) -> None:
    assert post.raw(b"{}", at=at) == 401


@pytest.mark.parametrize("content", [b"\xff\xfe", b'{"text": "\xe4"}', b"\xed\xa0\x80"])
def test_a_body_that_is_no_utf8_is_refused(post: Poster, content: bytes) -> None:
    assert post.raw(content, signature="v0=" + "0" * 64) == 401


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'"x"', b"null", b"payload=%7B", b"payload=", b"[" * 100_000, b"a=b", b"{}"],
)
def test_signed_nonsense_is_no_fault_of_ours(post: Poster, content: bytes, written: Any) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain", ""):
        assert post.raw(content, kind) in (200, 400)
    assert written() == []


def test_a_body_that_is_too_long_is_refused_before_it_is_read(post: Poster) -> None:
    assert post.raw(b"x" * (MOST_BYTES + 1)) == 413


def test_slack_can_check_the_address(post: Poster) -> None:
    content = json.dumps({"token": "x", "challenge": "3eZbrw1aB", "type": "url_verification"}).encode()
    at = str(int(now().timestamp()))
    headers = {"x-slack-request-timestamp": at, "x-slack-signature": signature_of(at, content)}
    status, body = post.answer(content, headers | {"content-type": "application/json"})
    assert (status, json.loads(body)) == (200, {"challenge": "3eZbrw1aB"})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _spoiled(whole: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    """The same body with one part replaced."""
    copy = json.loads(json.dumps(whole))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return dict(copy)


def _paths(body: dict[str, Any], prefix: tuple[str, ...] = ()) -> list[list[str]]:
    found = []
    for key, value in body.items():
        found.append([*prefix, key])
        if isinstance(value, dict):
            found += _paths(value, (*prefix, key))
    return found


_WHOLE = [payloads.direct("x", files=[{"id": "F1"}], user_profile={"real_name": "A"}), payloads.shortcut("x")]
_SPOILED = st.sampled_from(_WHOLE).flatmap(
    lambda whole: st.builds(_spoiled, st.just(whole), st.sampled_from(_paths(whole)), _JSON)
)


@given(body=_SPOILED | st.dictionaries(st.text(max_size=8), _JSON, max_size=4))
def test_reading_never_fails_whatever_the_body_looks_like(body: dict[str, Any]) -> None:
    said = read_message(body)
    assert isinstance(said, SlackMessage | Ignored)
    if isinstance(said, SlackMessage):
        assert to_request(said, "", MOMENT).thread.conversation.count(":") == 3


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=_SPOILED)
def test_no_signed_body_makes_the_door_fall_over(post: Poster, body: dict[str, Any]) -> None:
    assert post(body) < 500


@given(text=st.text(alphabet=st.sampled_from("<>|@#!U1&;lt a"), max_size=60))
def test_slacks_markup_is_read_without_failing(text: str) -> None:
    assert len(plain_text(text, "U1")) <= 3 * len(text) + 3


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("<@U0BOT> hi <@U2|ann> and <@U3>", "hi @ann and @U3"),
        ("see <#C1|general>, <!here>, <!subteam^S1|@ops>", "see #general, @here, @ops"),
        ("<https://a.example>", "https://a.example"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("<https://a.example/x|the page>", "the page (https://a.example/x)"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2, not &amp;lt;", "1 < 2 && 3 > 2, not &lt;"),
    ],
)
def test_slacks_markup_becomes_plain_text(marked: str, plain: str) -> None:
    assert plain_text(marked, "U0BOT") == plain


def test_hostile_markup_takes_no_time() -> None:
    for text in ("<" * 40_000, "<a|" * 13_000, "<@U1" * 10_000, "|" * 40_000):
        assert plain_text(text)
