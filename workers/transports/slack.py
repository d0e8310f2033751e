"""Slack's way out: one claimed row becomes one message in its thread.

In: the row, the settings. Out: nothing if the message stands in the thread, TransportError otherwise. Each message
carries our id in its metadata; before a second try the thread is read, so that a lost answer posts nothing twice.
It refuses to know tickets and words: the row holds all that is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from http.client import HTTPException
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from desk.settings import Settings
from storage.outbound import Claimed
from workers.transports.errors import TransportError

log = structlog.get_logger()

SECONDS = 20
EVENT_TYPE = "frontdesk_message"
_RETRY_SECONDS = 30
_LONGEST_RETRY = 3600
_MOST_PAGES = 50
_CLOCKS_DIFFER = timedelta(minutes=10)

# The token or its rights: nothing gets out until somebody mends it, and everything will once it is mended.
_BROKEN = frozenset(
    [
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "missing_scope",
        "not_allowed_token_type",
        "no_permission",
        "ekm_access_denied",
        "org_login_required",
        "team_access_not_granted",
        "access_denied",
    ]
)
# This one message, or this one place: trying again cannot help.
_PERMANENT = frozenset(
    [
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "msg_too_long",
        "no_text",
        "invalid_blocks",
        "invalid_blocks_format",
        "restricted_action",
        "restricted_action_thread_locked",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_non_threadable_channel",
        "thread_not_found",
        "message_not_found",
        "cannot_reply_to_message",
        "cannot_dm_bot",
        "user_not_found",
        "user_is_restricted",
        "messages_tab_disabled",
        "invalid_arguments",
        "invalid_channel",
        "duplicate_channel_not_found",
        "metadata_too_large",
    ]
)
_BUSY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_WORD = re.compile(r"[a-z0-9_]{1,60}\Z")


def web_client(settings: Settings) -> WebClient:
    """A client that never tries again by itself: the outbound ledger does that."""
    url = settings.slack_api_url.rstrip("/") + "/"
    return WebClient(settings.slack_bot_token, base_url=url, timeout=SECONDS, retry_handlers=[])


def send(letter: Claimed, settings: Settings, make_client: Callable[[Settings], WebClient] = web_client) -> None:
    """Post the letter unless an earlier try has; raises TransportError where it does not stand in the thread."""
    if not settings.slack_bot_token:
        raise TransportError("Slack is not set up (FRONTDESK_SLACK_BOT_TOKEN)", permanent=False)
    client = make_client(settings)
    if letter.attempts > 1 and _stands_already(client, letter):
        log.info("slack_message_found_posted", outbound_id=letter.id)
        return
    _call(client, "chat.postMessage", _arguments(letter))


def _arguments(letter: Claimed) -> dict[str, Any]:
    content = letter.content
    optional = {name: content[name] for name in ("thread_ts", "blocks") if content.get(name)}
    return optional | {
        "channel": content["channel"],
        "text": content["text"],
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {"external_id": letter.external_id}},
        # No preview: Slack would fetch whatever address somebody wrote.
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _stands_already(client: WebClient, letter: Claimed) -> bool:
    return any(_external_id(message) == letter.external_id for message in _since(client, letter))


def _since(client: WebClient, letter: Claimed) -> Iterator[Mapping[str, Any]]:
    """The messages of the letter's place that are not older than the letter, page by page."""
    thread_ts, cursor = letter.content.get("thread_ts"), ""
    method = "conversations.replies" if thread_ts else "conversations.history"
    oldest = f"{(letter.created_at - _CLOCKS_DIFFER).timestamp():.6f}"
    asked = {"channel": letter.content["channel"], "oldest": oldest, "include_all_metadata": True, "limit": 200}
    for _ in range(_MOST_PAGES):
        answer = _call(client, method, asked | ({"ts": thread_ts} if thread_ts else {}) | {"cursor": cursor})
        yield from (one for one in answer.get("messages") or () if isinstance(one, Mapping))
        cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            return


def _external_id(message: Mapping[str, Any]) -> str:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return str(payload.get("external_id", "")) if metadata.get("event_type") == EVENT_TYPE else ""


def _call(client: WebClient, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """One call; every way in which it can fail becomes a TransportError."""
    reading = method.startswith("conversations.")
    try:
        if reading:
            answer = client.api_call(method, params=_without_empty(arguments))
        else:
            answer = client.api_call(method, json=dict(arguments))
    except SlackApiError as error:
        raise _refused(method, error) from None
    except (SlackClientError, HTTPException, OSError, ValueError) as error:
        raise TransportError(f"Slack could not be reached ({type(error).__name__})", permanent=False) from None
    return answer.data if isinstance(answer.data, Mapping) else {}


def _without_empty(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value != ""}


def _refused(method: str, error: SlackApiError) -> TransportError:
    status, code, headers = _details(error)
    if status == 429 or code in _BUSY:
        return TransportError("Slack asks us to wait", permanent=False, retry_after=_seconds(headers))
    if code in _BROKEN:
        log.error("slack_channel_broken", method=method, error=code)
        return TransportError(f"Slack refuses our token ({code})", permanent=False)
    return TransportError(f"Slack refused ({code or status})", permanent=code in _PERMANENT)


def _details(error: SlackApiError) -> tuple[int, str, Mapping[str, str]]:
    """HTTP status, Slack's own error word, headers."""
    response = error.response
    if isinstance(response, Mapping):
        status, data, headers = response.get("status", 0), response.get("body"), response.get("headers")
    else:
        status, data, headers = response.status_code, response.data, response.headers
    code = str(data.get("error")) if isinstance(data, Mapping) else ""
    # What is no word of Slack's is the page of some proxy: not for a ticket.
    word = code if _WORD.match(code) else ""
    return int(status or 0), word, headers if isinstance(headers, Mapping) else {}


def _seconds(headers: Mapping[str, str]) -> int:
    found = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return min(int(found), _LONGEST_RETRY) if str(found).isdigit() else _RETRY_SECONDS
