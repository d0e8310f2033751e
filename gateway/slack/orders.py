"""Reads an order from Slack: a pressed button, a submitted modal, a typed command, an edited or deleted message.

The body is authenticated already. Whether the account is an agent's and what the ticket allows is checked when the
order is executed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from desk.slack.orders import MORE, WINDOWS, Button, Kind, Order, number_of
from desk.tickets.commands import Command
from gateway.slack import modal_values
from gateway.slack.message_text import whole_text
from gateway.slack.messages import ID, TS, SlackMessage, team_of
from gateway.slack.mrkdwn import plain_text, without_labels
from gateway.slack.payload import Payload, mapping_of, text_of


@dataclass(frozen=True, slots=True)
class ReceivedOrder:
    """An order, and under which name it is written down once. `opens` is the window that a button asks for, with the
    `trigger` by which Slack lets us open it for a few seconds."""

    order: Order
    external_id: str
    once: str
    opens: str = ""
    trigger: str = ""


def read_order(body: Payload) -> ReceivedOrder | None:
    """The order in a body; None for everything else."""
    kind = body.get("type")
    if kind == "block_actions":
        found = _pressed(body)
    elif kind == "view_submission":
        found = _submitted(body)
    elif isinstance(body.get("command"), str):
        found = _typed(body)
    elif kind == "event_callback":
        found = _changed(body)
    else:
        found = None
    return found if found is not None and ID.match(found.order.team) and ID.match(found.order.user) else None


def order_of_message(message: SlackMessage) -> ReceivedOrder:
    """The order of an agent's message in a ticket's thread."""
    order = Order(
        Kind.SAID,
        message.team,
        message.user,
        message.channel,
        message.ts,
        message.thread_ts,
        message.user_team,
        text=plain_text(without_labels(message.whole), message.bot_user),
        files=message.files,
    )
    return ReceivedOrder(order, order.message_id, f"{order.message_id}\0{message.user}\0{message.text}")


def _pressed(body: Payload) -> ReceivedOrder | None:
    listed = body.get("actions")
    action = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], Mapping) else {}
    button, value = text_of(action, "action_id"), text_of(action, "value")
    commands: tuple[Command, ...] = ()
    if button == Button.MORE:
        word, _, value = text_of(mapping_of(action, "selected_option"), "value").partition(":")
        commands = (MORE[word][1],) if word in MORE else ()
    elif button == Button.TAKE:
        commands = (Command("take"),)
    number, rest = number_of(value)
    if rest or not number or not (commands or button in WINDOWS):
        return None
    trigger = text_of(body, "trigger_id")
    order = replace(_by(Kind.PRESSED, body), ticket_id=number, commands=commands)
    once = trigger or f"{text_of(action, 'action_ts')}:{order.user}"
    return ReceivedOrder(order, f"pressed:{_hash(once)}", once, button if button in WINDOWS else "", trigger)


def _submitted(body: Payload) -> ReceivedOrder | None:
    view = mapping_of(body, "view")
    if text_of(view, "callback_id") not in WINDOWS or not ID.match(text_of(view, "id")):
        return None
    known = modal_values.metadata_of_view(view)
    number, rest = number_of(str(known.get("ticket", "")))
    if rest or not number:
        return None
    text, commands = modal_values.commands_of_view(view, known)
    channel, ts, thread_ts = (str(known.get(name, "")) for name in ("channel", "ts", "thread_ts"))
    order = replace(_by(Kind.SUBMITTED, body), channel=channel, ts=ts, thread_ts=thread_ts)
    order = replace(order, ticket_id=number, text=text, commands=commands)
    # One modal is submitted once, however often and with whatever text it comes again.
    return ReceivedOrder(order, f"submitted:{text_of(view, 'id')}", text_of(view, "id"))


def _typed(body: Payload) -> ReceivedOrder:
    number, rest = number_of(plain_text(without_labels(text_of(body, "text"))))
    order = Order(
        Kind.TYPED,
        text_of(body, "team_id"),
        text_of(body, "user_id"),
        text_of(body, "channel_id"),
        ticket_id=number,
        text=rest,
    )
    once = text_of(body, "trigger_id") or json.dumps([order.account, order.channel, text_of(body, "text")])
    return ReceivedOrder(order, f"typed:{_hash(once)}", once, trigger=text_of(body, "trigger_id"))


def _by(kind: Kind, body: Payload) -> Order:
    """Who did it, and at which message."""
    container, message, user = mapping_of(body, "container"), mapping_of(body, "message"), mapping_of(body, "user")
    ts = text_of(message, "ts") or text_of(container, "message_ts")
    return Order(
        kind,
        team_of(body),
        text_of(user, "id"),
        text_of(mapping_of(body, "channel"), "id") or text_of(container, "channel_id"),
        ts,
        text_of(message, "thread_ts") or text_of(container, "thread_ts") or ts,
        user_team=text_of(user, "team_id"),
    )


def _changed(body: Payload) -> ReceivedOrder | None:
    event = mapping_of(body, "event")
    subtype, before = event.get("subtype"), mapping_of(event, "previous_message")
    if event.get("type") != "message" or subtype not in ("message_changed", "message_deleted"):
        return None
    now = mapping_of(event, "message") if subtype == "message_changed" else {}
    if any(one.get("bot_id") for one in (now, before)):
        return None
    gone = subtype == "message_deleted" or now.get("subtype") == "tombstone"
    order = Order(
        Kind.WITHDRAWN if gone else Kind.EDITED,
        team_of(body),
        text_of(now, "user") if not gone else text_of(before, "user") or text_of(now, "user"),
        text_of(event, "channel"),
        text_of(now, "ts") or text_of(event, "deleted_ts"),
        text_of(now, "thread_ts") or text_of(before, "thread_ts"),
        text=plain_text(without_labels(whole_text(now))) if not gone else "",
        before=plain_text(whole_text(before)),
    )
    if not (TS.match(order.ts) and ID.match(order.channel) and ID.match(order.user)):
        return None
    if gone:
        return ReceivedOrder(order, f"{order.message_id}:withdrawn", order.message_id)
    edited = text_of(mapping_of(now, "edited"), "ts")
    # Slack sends the same event for a preview, a reply or a detected language; the text is unchanged then.
    if not edited or text_of(now, "text") == before.get("text"):
        return None
    return ReceivedOrder(order, f"{order.message_id}:edited:{edited}", f"{order.message_id}\0{edited}\0{order.text}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
