"""Slack by Socket Mode: acked only when written down, whatever happens to the line."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_bolt import App

from desk.config.settings import Settings
from desk.mail.inbound_request import InboundRequest
from gateway import intake
from gateway.intake import Incoming
from gateway.slack.events import bolt_app
from gateway.slack.socket_connection import BadFrame, Frames
from gateway.slack.socket_mode import SocketMode
from storage.open_store import Store
from tests.slack import payloads
from tests.slack.fake_slack import FakeSlack, Trouble
from tests.slack.serving import now

pytestmark = pytest.mark.slow

Written = Callable[[], list[InboundRequest]]


def test_a_message_is_acked_and_written_down(line: SocketMode, slack: FakeSlack, written: Written) -> None:
    _wait(lambda: line.connected)
    slack.socket.send(payloads.direct("by socket"))
    slack.socket.send(payloads.shortcut("by shortcut"))
    slack.socket.wait_until_acked(2)
    assert [request.text for request in written()] == ["by socket", "by shortcut"]


def test_people_are_heard_in_the_order_in_which_they_write(
    line: SocketMode, slack: FakeSlack, written: Written
) -> None:
    for number in range(40):
        slack.socket.send(payloads.direct(f"line {number}"))
    slack.socket.wait_until_acked(40)
    assert [request.text for request in written()] == [f"line {number}" for number in range(40)]


def test_what_is_not_written_down_is_not_acked_and_comes_again(
    store: Store, slack_settings: Settings, slack: FakeSlack, written: Written
) -> None:
    slack.socket.patience = 0.2
    failures = [OSError("the disk is away")] * 2

    def accept(store: Store, incoming: Sequence[Incoming], at: datetime) -> Sequence[int]:
        if failures:
            raise failures.pop()
        return intake.accept(store, incoming, at)

    with_line = SocketMode(bolt_app(store, slack_settings, now, accept), slack_settings, ping_seconds=0.2)
    with_line.start()
    slack.socket.send(payloads.direct("patience"))
    slack.socket.wait_until_acked(1)
    with_line.close()
    assert [envelope.attempt for envelope in slack.socket.sent.values()] == [0, 1, 2]
    assert len(slack.socket.acked) == len(written()) == 1


def test_a_redelivery_of_what_was_written_makes_no_second_row(
    line: SocketMode, slack: FakeSlack, written: Written
) -> None:
    body = payloads.direct("twice")
    for attempt in range(4):
        slack.socket.send(body, attempt)
    _wait(lambda: len(slack.socket.acked) == 4)
    assert len(written()) == 1


def test_a_line_that_slack_wants_renewed_or_that_breaks_is_opened_again(
    line: SocketMode, slack: FakeSlack, written: Written
) -> None:
    slack.socket.patience = 0.5
    slack.socket.send(payloads.direct("before"))
    slack.socket.ask_to_reconnect()
    slack.socket.wait_for_hello(2)
    slack.socket.send(payloads.direct("after the renewal"))
    slack.socket.wait_until_acked(2)
    slack.socket.cut_all()
    slack.socket.wait_for_hello(3)
    slack.socket.send(payloads.direct("after the break"))
    slack.socket.wait_until_acked(3)
    assert len(written()) == 3


def test_a_slack_that_is_away_at_the_start_is_tried_until_it_answers(
    app: App, slack_settings: Settings, slack: FakeSlack, written: Written
) -> None:
    slack.state.troubles.append(Trouble("break", "apps.connections.open"))
    mode = SocketMode(app, slack_settings, ping_seconds=0.2, first_pause=0.05)
    mode.start()
    slack.socket.send(payloads.direct("at last"))
    slack.socket.wait_until_acked(1)
    mode.close()
    assert len(written()) == 1


def test_a_wrong_app_token_stops_nothing_else(app: App, slack_settings: Settings, slack: FakeSlack) -> None:
    mode = SocketMode(app, replace(slack_settings, slack_app_token="xapp-wrong"), first_pause=0.02)
    mode.start()
    _wait(lambda: len(slack.state.called("apps.connections.open")) >= 2)
    assert not mode.connected
    mode.close()


def test_a_large_message_arrives_whole(line: SocketMode, slack: FakeSlack, written: Written) -> None:
    text = "ä" * 40_000
    slack.socket.send(payloads.direct(text, blocks=[{"type": "rich_text", "elements": ["x" * 200_000]}]))
    slack.socket.wait_until_acked(1)
    assert written()[0].text == text


def _frame(opcode: int, payload: bytes, *, last: bool = True) -> bytes:
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
    return bytes([(0x80 if last else 0) | opcode]) + length + payload


_MESSAGES = st.lists(st.tuples(st.sampled_from([0x1, 0x9, 0xA]), st.binary(max_size=300)), max_size=8)


@given(messages=_MESSAGES, cuts=st.lists(st.integers(0, 2000), max_size=10))
def test_frames_are_read_the_same_however_the_bytes_come(messages: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = b"".join(_frame(opcode, payload) for opcode, payload in messages)
    ends = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    frames = Frames()
    assert [one for a, b in pairwise(ends) for one in frames.feed(data[a:b])] == messages


def test_a_message_in_parts_is_joined_around_a_ping() -> None:
    parts = _frame(0x1, b"one ", last=False) + _frame(0x9, b"?") + _frame(0x0, b"two ", last=False) + _frame(0x0, b"3")
    assert Frames().feed(parts) == [(0x9, b"?"), (0x1, b"one two 3")]


def test_hundreds_of_messages_at_once_are_all_read() -> None:
    messages = [(0x1, bytes([number % 251]) * (1500 + 7 * number)) for number in range(600)]
    assert Frames().feed(b"".join(_frame(*message) for message in messages)) == messages


@given(data=st.binary(max_size=200))
def test_garbage_on_the_line_ends_in_bad_frame_at_worst(data: bytes) -> None:
    with suppress(BadFrame):
        Frames().feed(data)


def _wait(until: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.01)
