"""Slack's events: stores each message and order, and only then answers Slack.

Events come by signed HTTP or Socket Mode and are authenticated already. The answer is 200 after the COMMIT, 503 where
nothing could be stored (Slack sends it again), 401 for a workspace that is not ours. The inbound log recognises copies
by the message's key.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from slack_bolt import Ack, App, BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from desk.access.permissions import Verb
from desk.config.settings import Settings
from desk.mail.inbound_request import InboundRequest
from desk.slack.orders import Button, Kind, Order
from gateway import intake
from gateway.group_commit import GroupCommit, GroupLimits
from gateway.intake import Incoming
from gateway.slack import modals, orders
from gateway.slack.immediate_answers import Answers
from gateway.slack.messages import Ignored, SlackMessage, Way, read_message
from gateway.slack.orders import ReceivedOrder
from gateway.slack.payload import Payload
from gateway.slack.request import kept_bytes, to_order_request, to_request
from gateway.slack.workspace import OtherWorkspace, Workspace
from storage.mail import channel_threads, message_id_index
from storage.open_store import Store
from storage.slack import threads as slack_threads

log = structlog.get_logger()

LOOKUP_SECONDS = 1
"""Slack waits three seconds for its answer; no question of ours may use them up."""

COMMIT_SECONDS = 2.5
"""What is not on disk by then is not acknowledged; if it is written after all, the next delivery is a copy of it."""

Accept = Callable[[Store, Sequence[Incoming], datetime], Sequence[int]]
Clock = Callable[[], datetime]


class NotWrittenDown(Exception):
    """The message could not be stored, so Slack must send it again."""


class SlackEvents:
    """Stores Slack's messages and orders. `accept` is `gateway.intake.accept` everywhere but in tests."""

    def __init__(self, store: Store, clock: Clock, workspace: Workspace, accept: Accept = intake.accept) -> None:
        self._store = store
        self._clock = clock
        self._workspace = workspace
        self._accept = accept
        self._answers = Answers(store)
        # Threads that each commit for themselves would wait for one another longer than Slack waits for its answer.
        self._group: GroupCommit[Incoming, int] = GroupCommit(self._commit, GroupLimits(spare=0))
        # Slack is answered first; a modal may open a moment later.
        self._modals = ThreadPoolExecutor(2, "slack-windows")

    def take(self, body: Payload) -> str:
        """Returns when the message is on disk, or when there is nothing to write, what to say to a typed command.

        Raises NotWrittenDown otherwise."""
        received = orders.read_order(body)
        if received is not None:
            self._workspace.check(received.order.team)
            return self._order(received, body)
        message = read_message(body)
        if isinstance(message, Ignored):
            log.debug("slack_event_ignored", why=message.why)
            return ""
        self._workspace.check(message.team)
        self._stored(lambda: self._take_message(message, body))
        return ""

    def _order(self, received: ReceivedOrder, body: Payload) -> str:
        """Answers at once what changes nothing; stores everything else."""
        order = received.order
        if order.kind in (Kind.EDITED, Kind.WITHDRAWN):
            self._stored(lambda: self._write_order(received, body) if self._is_kept(order) else None)
            return ""
        account = self._workspace.account_of(order.user)
        order = replace(order, guest=account.guest, email=account.email, unknown=account.unknown)
        if received.opens:
            self._modals.submit(self._open, replace(received, order=order))
            return ""
        if order.kind is Kind.TYPED:
            answer = self._answers.answer_command(order, self._clock())
            if isinstance(answer, str):
                return answer
            order = answer
        self._stored(lambda: self._write_order(replace(received, order=order), body))
        return "Written down; what came of it follows here."

    def _open(self, received: ReceivedOrder) -> None:
        """Opens the modal of a button, or tells why not."""
        order = received.order
        try:
            needs = Verb.NOTE if received.opens == Button.ANSWER else Verb.CHANGE
            shown = self._answers.modal_content(order, needs, self._clock())
            why = shown if isinstance(shown, str) else ""
            if not isinstance(shown, str) and self._workspace.open_modal(
                received.trigger, modals.view(received.opens, shown, order)
            ):
                why = "Slack did not open the window in time. Press the button again."
            if why:
                self._workspace.send_ephemeral(order.channel, order.user, order.thread_ts, why)
        except Exception as error:
            log.exception("slack_window_failed", error=type(error).__name__)

    def _stored(self, write: Callable[[], None]) -> None:
        try:
            write()
        except Exception as error:
            log.warning("slack_message_not_written_down", error=type(error).__name__)
            raise NotWrittenDown from error

    def _take_message(self, message: SlackMessage, body: Payload) -> None:
        if self._is_agents_thread(message):
            received, account = orders.order_of_message(message), self._workspace.account_of(message.user)
            order = replace(received.order, guest=account.guest, email=account.email, unknown=account.unknown)
            self._write_order(replace(received, order=order), body)
            return
        if not self._concerns_us(message):
            log.debug("slack_event_ignored", why="not a thread of ours, or nothing new in it")
            return
        name = message.name or self._workspace.name_of(message.user)
        self._submit(to_request(message, name, self._clock()), body, message.way.name.lower())

    def _write_order(self, received: ReceivedOrder, body: Payload) -> None:
        request = to_order_request(received.order, received.external_id, received.once, "", self._clock())
        self._submit(request, body, str(received.order.kind))

    def _submit(self, request: InboundRequest, body: Payload, way: str) -> None:
        inbound_id = self._group.submit(Incoming(request, (), kept_bytes(body))).result(COMMIT_SECONDS)
        log.info("slack_message_written_down", inbound_id=inbound_id, way=way)

    def _commit(self, incoming: Sequence[Incoming]) -> Sequence[int]:
        return self._accept(self._store, incoming, self._clock())

    def _is_agents_thread(self, message: SlackMessage) -> bool:
        """A thread under a card of ours. One whose row is not stored yet is recognised by its author."""
        if message.way not in (Way.THREAD, Way.MENTION) or message.thread_ts in ("", message.ts):
            return False
        with self._store.database.reading() as session:
            known = slack_threads.ticket_of(session, message.channel, message.thread_ts)
        return known is not None or message.under_bot

    def _concerns_us(self, message: SlackMessage) -> bool:
        if not (message.ours_only or message.known_is_old):
            return True
        with self._store.database.reading() as session:
            known = channel_threads.is_known(session, message.conversation)
        return known is message.ours_only

    def _is_kept(self, order: Order) -> bool:
        """Whether the message that was changed is on a ticket, or on its way there."""
        key = f"{order.conversation}#{order.message_id}"
        with self._store.database.reading() as session:
            if message_id_index.find(session, [key]) or channel_threads.is_known(session, order.conversation):
                return True
            return slack_threads.ticket_of(session, order.channel, order.thread_ts) is not None


def bolt_app(store: Store, settings: Settings, clock: Clock, accept: Accept = intake.accept) -> App:
    """The Bolt app of this desk, for either mode. Asks Slack nothing; `clock` tells the time in UTC."""
    client = web_client(settings) if settings.slack_bot_token else None
    events = SlackEvents(store, clock, Workspace(client), accept)
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
    _listen(app, events)
    return app


def web_client(settings: Settings, seconds: int = LOOKUP_SECONDS) -> WebClient:
    """A client that gives up soon and never tries again by itself."""
    url = settings.slack_api_url.rstrip("/") + "/"
    return WebClient(settings.slack_bot_token, base_url=url, timeout=seconds, retry_handlers=[], logger=quiet_logger())


def quiet_logger() -> logging.Logger:
    """Bolt's own log: silent, since it logs messages, and the same error every five seconds."""
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


def _listen(app: App, events: SlackEvents) -> None:
    anything = re.compile("")

    def event(body: dict[str, Any]) -> None:
        events.take(body)

    def interaction(body: dict[str, Any], ack: Ack) -> None:
        answer = events.take(body)
        # A typed command may be answered ephemerally; a modal closes at an empty answer.
        ack({"response_type": "ephemeral", "text": answer} if answer and "command" in body else "")

    app.event(anything)(event)
    for listen in (app.shortcut, app.action, app.view, app.command):
        listen(anything)(interaction)
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
