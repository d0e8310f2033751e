"""Slack's Web API for workers: one call, with every failure as a TransportError; and the hosts that are Slack's own.

It never retries by itself: the outbound row is retried.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult, urlsplit

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from desk.config.settings import Settings
from storage.runtime.guarded_connection import guard_for
from workers.outbound.errors import TransportError

log = structlog.get_logger()

SECONDS = 20
_RETRY_SECONDS = 30
_LONGEST_RETRY = 3600
_HOSTS = ("slack.com", "slack-files.com", "slack-edge.com", "slack-gov.com")
_READING = ("conversations.", "files.info", "files.getUpload", "users.info")
"""Methods that take their arguments as a form only."""

# The token or its scopes: nothing can be sent until an admin mends it, and everything can afterwards.
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
        "file_not_found",
        "file_deleted",
        "file_not_shared",
        "already_reacted",
        "cant_update_message",
        "edit_window_closed",
        "user_not_in_channel",
    ]
)
_BUSY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_WORD = re.compile(r"[a-z0-9_]{1,60}\Z")


def web_client(settings: Settings) -> WebClient:
    """A client that never retries by itself: the outbound row is retried."""
    url = settings.slack_api_url.rstrip("/") + "/"
    return WebClient(settings.slack_bot_token, base_url=url, timeout=SECONDS, retry_handlers=[])


def call(client: WebClient, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """One call; every way in which it can fail becomes a TransportError."""
    try:
        if method.startswith(_READING):
            answer = client.api_call(method, params=_without_empty(arguments))
        else:
            answer = client.api_call(method, json=dict(arguments))
    except SlackApiError as error:
        raise _refused(method, error) from None
    except (SlackClientError, HTTPException, OSError, ValueError) as error:
        raise TransportError(f"Slack could not be reached ({type(error).__name__})", permanent=False) from None
    return answer.data if isinstance(answer.data, Mapping) else {}


def checked(settings: Settings, address: str) -> SplitResult:
    """An address that Slack's answer names, if it is Slack's own; TransportError otherwise."""
    try:
        url = urlsplit(address)
        allowed = address.isascii() and address.isprintable() and _is_slacks(url, settings)
    except ValueError:
        allowed = False
    if not allowed:
        raise TransportError("its address is not Slack's", permanent=True)
    return url


def connection(settings: Settings, url: SplitResult, seconds: float) -> HTTPConnection:
    """A connection for a checked address: through the guard, but for the server that the settings name themselves."""
    if url.netloc != urlsplit(settings.slack_api_url).netloc:
        return guard_for(settings).http(url.scheme, url.netloc, seconds)
    return (HTTPSConnection if url.scheme == "https" else HTTPConnection)(url.netloc, timeout=seconds)


def _is_slacks(url: SplitResult, settings: Settings) -> bool:
    """By TLS at one of Slack's hosts, or at the very server that is set as Slack's API."""
    host = (url.hostname or "").lower()
    if url.username is not None or url.password is not None:
        return False
    if url.scheme == "https" and url.port in (None, 443):
        return any(host == one or host.endswith(f".{one}") for one in _HOSTS)
    api = urlsplit(settings.slack_api_url)
    return (url.scheme, url.netloc) == (api.scheme, api.netloc) and bool(host)


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
