"""The Slack workspace of the bot: checks its id, looks accounts up, opens modals, sends ephemeral messages.

Accounts are cached. A call gives up within a second, and a Slack that does not answer is not called for a minute. A
name is a label; it never proves who somebody is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from desk.slack import account as slack_account
from desk.slack.account import UNKNOWN, Account
from gateway.slack.payload import Payload

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
        self._accounts: dict[str, tuple[Account, float]] = {}

    def check(self, team: str) -> None:
        """Raises OtherWorkspace for an event of a workspace that is known not to be ours."""
        with self._lock:
            if self._team is None:
                self._team = self._own_team()
            if self._team and self._team != team:
                raise OtherWorkspace(team)

    def name_of(self, user: str) -> str:
        """The name that the person's profile shows; "" if it could not be had."""
        return self.account_of(user).name

    def account_of(self, user: str) -> Account:
        """What Slack says of an account; UNKNOWN if it could not be had in time, and then it is asked the next time."""
        with self._lock:
            account, until = self._accounts.get(user, (UNKNOWN, 0.0))
            if self._monotonic() < until:
                return account
            if self._client is None:
                return Account()
            account = slack_account.read(self._ask("users.info", {"user": user}) or {}, self._team or "")
            return account if account.unknown else self._remember(user, account)

    def open_modal(self, trigger: str, view: Payload) -> str:
        """Opens a modal for the person who pressed a button; returns the error, or nothing."""
        return self._call("views.open", {"trigger_id": trigger, "view": dict(view)})

    def send_ephemeral(self, channel: str, user: str, thread_ts: str, text: str) -> str:
        """Sends an ephemeral message to this person; returns the error, or nothing."""
        place = {"channel": channel, "user": user} | ({"thread_ts": thread_ts} if thread_ts else {})
        return self._call("chat.postEphemeral", place | {"text": text})

    def _call(self, method: str, arguments: Payload) -> str:
        if self._client is None:
            return "no token"
        try:
            self._client.api_call(method, json=dict(arguments))
            return ""
        except SlackApiError as error:
            why = _code(error)
        except (SlackClientError, HTTPException, OSError, ValueError) as error:
            why = type(error).__name__
        log.warning("slack_call_failed", method=method, error=why)
        return why

    def _remember(self, user: str, account: Account) -> Account:
        if len(self._accounts) >= _MOST_NAMES:
            self._accounts.clear()
        self._accounts[user] = (account, self._monotonic() + REMEMBER_SECONDS)
        return account

    def _own_team(self) -> str | None:
        """None: ask again. Empty: every workspace of the organisation is ours."""
        answer = self._ask("auth.test", {})
        if not answer or not answer.get("team_id"):
            return None
        return "" if answer.get("is_enterprise_install") else str(answer["team_id"])

    def _ask(self, method: str, arguments: Mapping[str, str]) -> Payload | None:
        """Slack's answer, empty where it refused; None where there was none."""
        if self._client is None or self._monotonic() < self._quiet_until:
            return None
        try:
            data = self._client.api_call(method, params=dict(arguments)).data
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
