"""What Slack sends: events and shortcuts as its documentation shows them, with ids of these tests."""

from __future__ import annotations

import itertools
import json
import urllib.parse
from typing import Any

TEAM, APP, BOT_USER, BOT_ID, CHANNEL, DM = "T0DESK", "A0DESK", "U0BOT", "B0BOT", "C0HELP", "D0ANN"
AGENTS = "C0AGENTS"
"""The channel of the agents."""
EPOCH = 1_790_000_000
_numbers = itertools.count(1)


def ts(number: int | None = None) -> str:
    """A message's moment, which is its id in its channel; another one each time."""
    number = next(_numbers) if number is None else number
    return f"{EPOCH + number // 1000}.{number % 1000:06d}"


def event(inner: dict[str, Any], *, team: str = TEAM, event_id: str = "") -> dict[str, Any]:
    """The envelope of the Events API around one event."""
    moment = str(inner.get("ts") or inner.get("event_ts") or EPOCH)
    return {
        "token": "a verification token that nobody should keep",
        "team_id": team,
        "api_app_id": APP,
        "event": inner,
        "type": "event_callback",
        "event_id": event_id or f"Ev{next(_numbers):09d}",
        "event_time": int(moment.partition(".")[0]),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": team,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": "4-eyJldCI6Im1lc3NhZ2UifQ",
    }


def direct(text: str, *, user: str = "U0ANN", at: str = "", **more: Any) -> dict[str, Any]:
    """Somebody writes to the bot."""
    at = at or ts()
    inner = {"type": "message", "channel": DM, "channel_type": "im", "user": user, "text": text, "ts": at}
    return event(inner | {"event_ts": at, "team": TEAM, "client_msg_id": f"c-{at}"} | more)


def said_in_channel(text: str, *, user: str = "U0ANN", at: str = "", **more: Any) -> dict[str, Any]:
    """Somebody writes in a channel that the bot is in."""
    at = at or ts()
    inner = {"type": "message", "channel": CHANNEL, "channel_type": "channel", "user": user, "text": text, "ts": at}
    return event(inner | {"event_ts": at, "team": TEAM} | more)


def mention(text: str, *, user: str = "U0ANN", at: str = "", **more: Any) -> dict[str, Any]:
    """Somebody names the bot in a channel."""
    at = at or ts()
    inner = {"type": "app_mention", "channel": CHANNEL, "user": user, "text": f"<@{BOT_USER}> {text}", "ts": at}
    return event(inner | {"event_ts": at, "team": TEAM} | more)


def shortcut(text: str, *, author: str = "U0ANN", presser: str = "U0BEN", at: str = "", **more: Any) -> dict[str, Any]:
    """Somebody chooses "Open a ticket" in the menu of a message."""
    at = at or ts()
    return {
        "type": "message_action",
        "token": "a verification token that nobody should keep",
        "action_ts": ts(),
        "team": {"id": TEAM, "domain": "desk"},
        "user": {"id": presser, "username": "ben", "team_id": TEAM, "name": "ben"},
        "channel": {"id": CHANNEL, "name": "help"},
        "is_enterprise_install": False,
        "enterprise": None,
        "callback_id": "open_ticket",
        "trigger_id": "a trigger id that nobody should keep",
        "response_url": "https://hooks.slack.example/a-secret-address",
        "message_ts": at,
        "message": {"type": "message", "user": author, "ts": at, "text": text, "team": TEAM} | more,
    }


def edited(original: dict[str, Any], text: str) -> dict[str, Any]:
    """The writer changed a message."""
    old = original["event"]
    new = old | {"text": text, "edited": {"user": old["user"], "ts": ts()}}
    inner = {"type": "message", "subtype": "message_changed", "channel": old["channel"], "channel_type": "im"}
    return event(inner | {"hidden": True, "ts": ts(), "message": new, "previous_message": old})


def deleted(original: dict[str, Any]) -> dict[str, Any]:
    """The writer took a message back."""
    old = original["event"]
    inner = {"type": "message", "subtype": "message_deleted", "channel": old["channel"], "channel_type": "im"}
    return event(inner | {"hidden": True, "ts": ts(), "deleted_ts": old["ts"], "previous_message": old})


def pressed(
    action_id: str, value: str, message: dict[str, Any], *, user: str = "U0ALICE", **more: Any
) -> dict[str, Any]:
    """Somebody presses a button of a message; with `option` the choice of a menu."""
    option = more.pop("option", "")
    action: dict[str, Any] = {"action_id": action_id, "block_id": "b", "type": "button", "action_ts": ts()}
    action |= {"selected_option": {"value": option}, "type": "overflow"} if option else {"value": value}
    channel = more.pop("channel", AGENTS)
    return {
        "type": "block_actions",
        "token": "a verification token that nobody should keep",
        "team": {"id": TEAM, "domain": "desk"},
        "user": {"id": user, "username": "alice", "name": "alice", "team_id": TEAM},
        "api_app_id": APP,
        "container": {"type": "message", "message_ts": message["ts"], "channel_id": channel, "is_ephemeral": False},
        "trigger_id": f"{next(_numbers)}.{next(_numbers)}.trigger",
        "channel": {"id": channel, "name": "agents"},
        "message": {"type": "message", "user": BOT_USER, "bot_id": BOT_ID, "ts": message["ts"], "text": ""},
        "state": {"values": {}},
        "response_url": "https://hooks.slack.example/a-secret-address",
        "actions": [action],
    } | more


def submitted(view: dict[str, Any], values: dict[str, Any], *, user: str = "U0ALICE", **more: Any) -> dict[str, Any]:
    """Somebody sends a window; `values` are block → text, or block → {"option": value}."""
    state: dict[str, Any] = {}
    for block, value in values.items():
        filled = {"selected_option": {"value": value["option"]}} if isinstance(value, dict) else {"value": value}
        state[block] = {"value": {"type": "input"} | filled}
    return {
        "type": "view_submission",
        "token": "a verification token that nobody should keep",
        "team": {"id": TEAM, "domain": "desk"},
        "user": {"id": user, "username": "alice", "name": "alice", "team_id": TEAM},
        "api_app_id": APP,
        "trigger_id": f"{next(_numbers)}.{next(_numbers)}.trigger",
        "view": view | {"state": {"values": state}, "type": "modal"},
        "response_urls": [],
    } | more


def typed(text: str, *, user: str = "U0ALICE", channel: str = "", **more: Any) -> dict[str, Any]:
    """Somebody types /frontdesk."""
    return {
        "token": "a verification token that nobody should keep",
        "team_id": TEAM,
        "team_domain": "desk",
        "channel_id": channel or AGENTS,
        "channel_name": "agents",
        "user_id": user,
        "user_name": "alice",
        "command": "/frontdesk",
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": "https://hooks.slack.example/commands/a-secret-address",
        "trigger_id": f"{next(_numbers)}.{next(_numbers)}.trigger",
    } | more


def in_thread(text: str, root: str, *, user: str = "U0ALICE", at: str = "", **more: Any) -> dict[str, Any]:
    """Somebody writes under a message of the bot."""
    at = at or ts()
    inner = {"type": "message", "channel": AGENTS, "channel_type": "channel", "user": user, "text": text, "ts": at}
    inner |= {"thread_ts": root, "parent_user_id": BOT_USER, "event_ts": at, "team": TEAM}
    return event(inner | {"user_team": TEAM, "source_team": TEAM} | more)


def by_a_bot(text: str, *, user: str = BOT_USER, bot_id: str = BOT_ID, **more: Any) -> dict[str, Any]:
    """A bot wrote, ours unless told otherwise."""
    return direct(text, user=user, bot_id=bot_id, app_id=APP, **more)


def as_bytes(body: dict[str, Any]) -> tuple[bytes, str]:
    """Body and content type as Slack posts them: events as JSON, interactions as a form with a `payload` field, typed
    commands as a form."""
    if "command" in body:
        return urllib.parse.urlencode(body).encode(), "application/x-www-form-urlencoded"
    if body.get("type") == "event_callback" or "payload" not in _form(body):
        return json.dumps(body).encode(), "application/json"
    return _form(body).encode(), "application/x-www-form-urlencoded"


def _form(body: dict[str, Any]) -> str:
    if body.get("type") not in ("message_action", "shortcut", "block_actions", "view_submission"):
        return ""
    return urllib.parse.urlencode({"payload": json.dumps(body)})
