"""What Slack tells about itself: which workspace the bot lives in, and what its people are called. Remembered.

In: ids. Out: an answer, or "" where there is none in time: the door never waits for Slack longer than it must, and a
Slack that does not answer is left alone for a minute. A name is a label; it never proves who somebody is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

log = structlog.get_logger()

QUIET_SECONDS = 60.0
REMEMBER_SECONDS = 3600.0
_MOST_NAMES = 10_000


class OtherWorkspace(Exception):
    """The event is signed, but for a workspace that this desk does not serve."""


class Workspace:
    """One bot's workspace. `client` should give up within a second; without one nothing is known."""

    def __init__(self, client: WebClient | None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._quiet_until = 0.0
        self._team: str | None = None
        self._names: dict[str, tuple[str, float]] = {}

    def check(self, team: str) -> None:
        """Raises OtherWorkspace for an event of a workspace that is known not to be ours."""
        with self._lock:
            if self._team is None:
                self._team = self._own_team()
            if self._team and self._team != team:
                raise OtherWorkspace(team)

    def name_of(self, user: str) -> str:
        """The name that the person's profile shows; "" if it could not be had."""
        with self._lock:
            name, until = self._names.get(user, ("", 0.0))
            if self._monotonic() < until:
                return name
            answer = self._ask("users.info", user=user)
            if answer is None:
                return name
            return self._remember(user, _real_name(answer))

    def _remember(self, user: str, name: str) -> str:
        if len(self._names) >= _MOST_NAMES:
            self._names.clear()
        self._names[user] = (name, self._monotonic() + REMEMBER_SECONDS)
        return name

    def _own_team(self) -> str | None:
        """None: ask again. Empty: every workspace of the organisation is ours."""
        answer = self._ask("auth.test")
        if not answer or not answer.get("team_id"):
            return None
        return "" if answer.get("is_enterprise_install") else str(answer["team_id"])

    def _ask(self, method: str, **arguments: str) -> Mapping[str, Any] | None:
        """Slack's answer, empty where it refused; None where there was none."""
        if self._client is None or self._monotonic() < self._quiet_until:
            return None
        try:
            data = self._client.api_call(method, params=arguments).data
            return data if isinstance(data, Mapping) else {}
        except SlackApiError as error:
            log.warning("slack_lookup_refused", method=method, error=_code(error))
            return {}
        except (SlackClientError, HTTPException, OSError, ValueError) as error:
            self._quiet_until = self._monotonic() + QUIET_SECONDS
            log.warning("slack_lookup_failed", method=method, error=type(error).__name__)
            return None


def _code(error: SlackApiError) -> str:
    data = error.response.data if hasattr(error.response, "data") else error.response
    return str(data.get("error", "")) if isinstance(data, Mapping) else "unreadable"


def _real_name(answer: Mapping[str, Any]) -> str:
    user = answer.get("user")
    if not isinstance(user, Mapping):
        return ""
    profile = user.get("profile")
    names = [profile.get("real_name")] if isinstance(profile, Mapping) else []
    return next((name for name in (*names, user.get("real_name"), user.get("name")) if isinstance(name, str)), "")
