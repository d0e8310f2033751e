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
from gateway.slack.signature import is_genuine, signature_of
from storage.open_store import Store
from tests.slack import payloads
from tests.slack.serving import SIGNING_SECRET, Poster, now

MOMENT = datetime(2026, 10, 5, 12, tzinfo=UTC)
AT = str(int(MOMENT.timestamp()))


def test_the_example_of_slacks_documentation_is_genuine() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    secret, at = "8f742231b10e8888abcd99yyyzzz85a5", "1531420618"
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert is_genuine(secret, at, signature, body, datetime.fromtimestamp(1531420618, UTC))


@pytest.mark.parametrize("shift", [-301, 301, 86_400])
def test_a_signature_that_is_not_of_now_proves_nothing(shift: int) -> None:
    at = str(int(AT) + shift)
    assert not is_genuine("s", at, signature_of("s", at, b"x"), b"x", MOMENT)


@pytest.mark.parametrize("at", ["abc", "", "-5", "1e9", "١٢٣", "9" * 40, f" {AT}", "nan"])
def test_a_timestamp_that_is_no_number_proves_nothing(at: str) -> None:
    assert not is_genuine("s", at, signature_of("s", at, b"x"), b"x", MOMENT)


def test_an_empty_secret_proves_nothing() -> None:
    assert not is_genuine("", AT, signature_of("", AT, b"x"), b"x", MOMENT)
    assert is_genuine("s", AT, signature_of("s", AT, b"x"), b"x", MOMENT)


def test_without_a_signing_secret_there_is_no_address(store: Store) -> None:
    assert routes(bolt_app(store, store.settings, now), "", now) == []


def test_wrong_none_stale_swapped_and_garbled_signatures_are_refused(post: Poster, written: Any) -> None:
    content, kind = payloads.as_bytes(payloads.direct("let me in"))
    at = str(int(now().timestamp()))
    good = signature_of(SIGNING_SECRET, at, content)
    stale = str(int(at) - 301)
    tries = [
        {"at": at, "signature": good[:-1] + ("0" if good[-1] != "0" else "1")},
        {"at": at, "signature": ""},
        {"at": at, "signature": "v1" + good[2:]},
        {"at": at, "signature": "v0=é"},
        {"at": stale, "signature": signature_of(SIGNING_SECRET, stale, content)},
        {"at": at, "signature": signature_of(SIGNING_SECRET, at, content.replace(b"let me in", b"let us in"))},
        {"at": at, "signature": signature_of("another secret", at, content)},
        {"at": "abc", "signature": signature_of(SIGNING_SECRET, "abc", content)},
        {"at": "", "signature": ""},
    ]
    assert [post.raw(content, kind, at=one["at"], signature=one["signature"]) for one in tries] == [401] * len(tries)
    assert written() == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'"x"', b"null", b"\xff\xfe", b"payload=%7B", b"payload=", b"[" * 100_000, b"a=b", b"{}"],
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
    headers = {"x-slack-request-timestamp": at, "x-slack-signature": signature_of(SIGNING_SECRET, at, content)}
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
