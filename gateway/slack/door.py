"""The Slack door: what somebody says to the bot is written down, and only then does Slack hear that it arrived.

In: requests from either mode (signed HTTP, Socket Mode), already proved. Out: Bolt's answer: 200 after the COMMIT,
503 where nothing could be written (Slack brings it again), 401 for a workspace that is not ours. Copies are no
concern of this room: the inbound ledger knows a message by its key.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from slack_bolt import Ack, App, BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from desk.settings import Settings
from gateway import intake
from gateway.email.group_commit import GroupCommit
from gateway.intake import Incoming
from gateway.slack.reading import Ignored, Said, read
from gateway.slack.request import kept_bytes, to_request
from gateway.slack.workspace import OtherWorkspace, Workspace
from storage import channel_threads
from storage.store import Store

log = structlog.get_logger()

LOOKUP_SECONDS = 1
"""Slack waits three seconds for its answer; no question of ours may use them up."""

COMMIT_SECONDS = 2.5
"""What is not on disk by then is not acknowledged; if it is written after all, the next delivery is a copy of it."""

Accept = Callable[[Store, Sequence[Incoming], datetime], Sequence[int]]
Clock = Callable[[], datetime]


class NotWrittenDown(Exception):
    """The message could not be stored: no answer that would let Slack forget it."""


class SlackDoor:
    """Writes Slack's messages down. `accept` is `gateway.intake.accept` everywhere but in tests."""

    def __init__(self, store: Store, clock: Clock, workspace: Workspace, accept: Accept = intake.accept) -> None:
        self._store = store
        self._clock = clock
        self._workspace = workspace
        self._accept = accept
        # Threads that each commit for themselves would wait for one another longer than Slack waits for its answer.
        self._group: GroupCommit[Incoming, int] = GroupCommit(self._commit, spare=0)

    def take(self, body: Mapping[str, Any]) -> None:
        """Returns when the message is on disk, or when there is nothing to write. Raises NotWrittenDown otherwise."""
        said = read(body)
        if isinstance(said, Ignored):
            log.debug("slack_event_ignored", why=said.why)
            return
        self._workspace.check(said.team)
        try:
            self._write_down(said, body)
        except Exception as error:
            log.warning("slack_message_not_written_down", error=type(error).__name__)
            raise NotWrittenDown from error

    def _write_down(self, said: Said, body: Mapping[str, Any]) -> None:
        if not self._concerns_us(said):
            log.debug("slack_event_ignored", why="not a thread of ours, or nothing new in it")
            return
        name = said.name or self._workspace.name_of(said.user)
        incoming = Incoming(to_request(said, name, self._clock()), (), kept_bytes(body))
        inbound_id = self._group.submit(incoming).result(COMMIT_SECONDS)
        log.info("slack_message_written_down", inbound_id=inbound_id, way=said.way.name.lower())

    def _commit(self, incoming: Sequence[Incoming]) -> Sequence[int]:
        return self._accept(self._store, incoming, self._clock())

    def _concerns_us(self, said: Said) -> bool:
        if not (said.ours_only or said.known_is_old):
            return True
        with self._store.database.reading() as session:
            known = channel_threads.is_known(session, said.conversation)
        return known is said.ours_only


def bolt_app(store: Store, settings: Settings, clock: Clock, accept: Accept = intake.accept) -> App:
    """The Bolt app of this desk, for either mode. Asks Slack nothing; `clock` tells the time in UTC."""
    client = web_client(settings) if settings.slack_bot_token else None
    door = SlackDoor(store, clock, Workspace(client), accept)
    app = App(
        name="frontdesk",
        logger=quiet_logger(),
        client=client or WebClient(),
        authorize=_authorized(settings.slack_bot_token),
        # The answer leaves after the listener has ended, and the listener ends after the COMMIT.
        process_before_response=True,
        # Signatures are checked before anything is parsed (gateway/slack/http.py); Socket Mode has none.
        request_verification_enabled=False,
        ignoring_self_events_enabled=False,
        ignoring_self_assistant_message_events_enabled=False,
    )
    _listen(app, door)
    return app


def web_client(settings: Settings, seconds: int = LOOKUP_SECONDS) -> WebClient:
    """A client that gives up soon and never tries again by itself."""
    url = settings.slack_api_url.rstrip("/") + "/"
    return WebClient(settings.slack_bot_token, base_url=url, timeout=seconds, retry_handlers=[], logger=quiet_logger())


def quiet_logger() -> logging.Logger:
    """Bolt's own log: silent, since it writes down what people say, and the same trouble every five seconds."""
    logger = logging.getLogger("slack_client")
    logger.setLevel(logging.CRITICAL)
    return logger


def dispatch(app: App, body: str | dict[str, Any], mode: str, content_type: str = "") -> BoltResponse:
    """Bolt's answer to a body from "http" or "socket_mode"; 400 where Bolt cannot make anything of it.

    What nobody listens for is answered with 200, because Slack would only send it again.
    """
    try:
        response = app.dispatch(BoltRequest(mode=mode, body=body, headers={"content-type": content_type}))
    except Exception as error:  # noqa: BLE001 - Bolt takes bodies at their word; no stranger's body may end in a 500
        log.warning("slack_body_not_read", error=type(error).__name__)
        return BoltResponse(status=400, body="")
    return BoltResponse(status=200, body="") if response.status == 404 else response


def _listen(app: App, door: SlackDoor) -> None:
    anything = re.compile("")

    def event(body: dict[str, Any]) -> None:
        door.take(body)

    def shortcut(body: dict[str, Any], ack: Ack) -> None:
        door.take(body)
        ack()

    app.event(anything)(event)
    app.shortcut(anything)(shortcut)
    app.error(_failed)


def _failed(error: Exception) -> BoltResponse:
    if isinstance(error, OtherWorkspace):
        log.warning("slack_workspace_refused")
        return BoltResponse(status=401, body="")
    if isinstance(error, NotWrittenDown):
        return BoltResponse(status=503, body="")
    log.error("slack_event_not_understood", error=type(error).__name__)
    return BoltResponse(status=400, body="")


def _authorized(token: str) -> Callable[..., AuthorizeResult]:
    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        """Bolt would ask auth.test here; a revoked token must not keep requests out."""
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token)

    return authorize
