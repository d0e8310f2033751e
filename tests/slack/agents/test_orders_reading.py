"""Whatever a body looks like, reading an order from it never raises, and what comes out travels as JSON."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from desk.slack import orders as slack_orders
from desk.slack.orders import Button
from gateway.slack import modal_values, orders
from gateway.slack.messages import Ignored, read_message
from gateway.slack.request import to_order_request
from tests.slack import payloads
from tests.slack.serving import now

words = st.sampled_from([
    "block_actions", "view_submission", "event_callback", "message", "message_changed", "message_deleted", "T1", "U1",
    "C1", "1.1", "12", "pending:12", "#12 take", *map(str, Button), '{"ticket": 1}', "{", "", "\x00", "\ud800",
])  # fmt: skip
names = st.sampled_from([
    "type", "user", "team", "team_id", "user_id", "id", "actions", "action_id", "value", "selected_option", "view",
    "callback_id", "private_metadata", "state", "values", "command", "text", "event", "subtype", "message", "ts",
    "previous_message", "channel", "deleted_ts", "edited", "container", "trigger_id", "authorizations", "files",
])  # fmt: skip
values = st.recursive(
    words | st.text(max_size=5) | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6),
    max_leaves=25,
)
bodies = st.dictionaries(names, values, max_size=12)


@given(bodies)
def test_no_body_raises(body: dict[str, Any]) -> None:
    heard = orders.read_order(body)
    if heard is not None:
        request = to_order_request(heard.order, heard.external_id, heard.once, "", now())
        assert slack_orders.of_fields(request.fields).kind is heard.order.kind
        assert request.source.startswith("orders:")
    said = read_message(body)
    if not isinstance(said, Ignored):
        orders.order_of_message(said)


@given(bodies)
def test_no_window_raises(view: dict[str, Any]) -> None:
    text, commands = modal_values.commands_of_view(view, modal_values.metadata_of_view(view))
    assert isinstance(text, str) and all(isinstance(one.argument, str) for one in commands)


def test_an_order_is_the_same_after_its_journey() -> None:
    for body in (
        payloads.pressed(str(Button.MORE), "", {"ts": "1.1"}, option="hold:12"),
        payloads.typed("#12 reply <@U123|Ann> &amp; you"),
        payloads.edited(payloads.direct("one"), "two"),
        payloads.deleted(payloads.direct("one")),
    ):
        heard = orders.read_order(body)
        assert heard is not None
        assert slack_orders.from_json(slack_orders.to_json(heard.order)) == heard.order
