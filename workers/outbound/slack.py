"""The Slack transport: one outbound row becomes a message, an update, an ephemeral message or a file in its channel.

Each message carries our id in its metadata. Before a second attempt the thread is read, so that a lost answer posts
nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from http.client import HTTPException
from typing import Any

import structlog
from slack_sdk import WebClient

from desk.config.settings import Settings
from desk.mail.states import OutboundState
from desk.slack.content import SlackContent
from storage.db.session import Session
from storage.mail.outbound_message import ClaimedMessage
from workers.outbound import slack_cards
from workers.outbound.errors import TransportError
from workers.outbound.mime.compose import Unsendable
from workers.outbound.slack_api import SECONDS, call, checked, connection, web_client
from workers.outbound.transport import Send, Sent
from workers.runtime.context import Context

log = structlog.get_logger()

EVENT_TYPE = "frontdesk_message"
_MOST_PAGES = 50
_CLOCKS_DIFFER = timedelta(minutes=10)
_NOT_HERE = ("channel_not_found", "not_in_channel", "user_not_in_channel", "is_archived")


class SlackTransport:
    """Posts to Slack's Web API; each message is a request of its own."""

    is_remote = True

    def __init__(self, context: Context) -> None:
        self._store = context.store

    def send_together(self, messages: Sequence[ClaimedMessage]) -> frozenset[int]:
        return frozenset()

    def prepare(self, session: Session, message: ClaimedMessage) -> Send:
        settings = self._store.settings
        ready = slack_cards.resolve_row(session, message, settings)
        if ready is None:
            return lambda: Sent(OutboundState.SUPPRESSED)
        file = message.content_as(SlackContent).file
        data = self._store.blobs.get(session, file.sha256) if file and file.sha256 else b""
        if data is None:
            raise Unsendable("the file is not there any more")
        return lambda: Sent(posted_as=send(ready, settings, data=data))

    def record_sent(self, session: Session, message: ClaimedMessage, sent: Sent) -> None:
        slack_cards.note_posted(session, message, sent.posted_as)

    def close(self) -> None:
        """Nothing was opened."""


def send(
    row: ClaimedMessage,
    settings: Settings,
    make_client: Callable[[Settings], WebClient] = web_client,
    data: bytes = b"",
) -> str:
    """Sends the row unless an earlier attempt did; returns the message's timestamp. Raises TransportError."""
    if not settings.slack_bot_token:
        raise TransportError("Slack is not set up (FRONTDESK_SLACK_BOT_TOKEN)", permanent=False)
    client, content = make_client(settings), row.content_as(SlackContent)
    if content.whisper_to:
        return _post_ephemeral(client, content)
    if content.update_ts:
        return _update(client, content)
    if row.attempts > 1 and (posted_ts := _posted_earlier(client, row)) is not None:
        log.info("slack_message_found_posted", outbound_id=row.id)
        return posted_ts
    if content.file is not None:
        return _upload(client, settings, content, data)
    return str(call(client, "chat.postMessage", _arguments(row, content)).get("ts") or "")


def _arguments(row: ClaimedMessage, content: SlackContent) -> dict[str, Any]:
    return _in_thread(content) | {
        **({"blocks": list(content.blocks)} if content.blocks else {}),
        "channel": content.channel,
        "text": content.text,
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {"external_id": row.external_id}},
        # No preview: Slack would fetch whatever address somebody wrote.
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _in_thread(content: SlackContent) -> dict[str, Any]:
    return {"thread_ts": content.thread_ts} if content.thread_ts else {}


def _post_ephemeral(client: WebClient, content: SlackContent) -> str:
    """An ephemeral message; a direct message where the bot is not in the conversation."""
    place = {"channel": content.channel, "user": content.whisper_to, "text": content.text}
    try:
        call(client, "chat.postEphemeral", place | _in_thread(content))
    except TransportError as error:
        if not any(word in error.reason for word in _NOT_HERE):
            raise
        call(client, "chat.postMessage", {"channel": content.whisper_to, "text": content.text})
    return ""


def _update(client: WebClient, content: SlackContent) -> str:
    """Updates the message; idempotent."""
    changed = {"channel": content.channel, "ts": content.update_ts, "text": content.text}
    call(client, "chat.update", changed | {"blocks": list(content.blocks)})
    return ""


def _upload(client: WebClient, settings: Settings, content: SlackContent, data: bytes) -> str:
    """Three steps, as Slack wants it; until the last one nobody sees anything."""
    name = (content.file.name if content.file else "") or "file"
    answer = call(client, "files.getUploadURLExternal", {"filename": name, "length": str(len(data))})
    _post(settings, str(answer.get("upload_url") or ""), data)
    shared = {"channel_id": content.channel, "files": [{"id": str(answer.get("file_id")), "title": name}]}
    call(client, "files.completeUploadExternal", shared | _in_thread(content))
    return ""


def _post(settings: Settings, address: str, data: bytes) -> None:
    url = checked(settings, address)
    http = connection(settings, url, SECONDS)
    try:
        path = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        http.request("POST", path, data, {"Content-Type": "application/octet-stream"})
        status = http.getresponse().status
    except (HTTPException, OSError) as error:
        raise TransportError(f"Slack could not be reached ({type(error).__name__})", permanent=False) from None
    finally:
        http.close()
    if status != 200:
        raise TransportError(f"Slack did not take the file ({status})", permanent=False)


def _posted_earlier(client: WebClient, row: ClaimedMessage) -> str | None:
    """The timestamp of the message that an earlier attempt posted; None where there is none."""
    posted = (each for each in _messages_since(client, row) if _is_posted_row(each, row))
    return next((str(each.get("ts") or "") for each in posted), None)


def _is_posted_row(message: Mapping[str, Any], row: ClaimedMessage) -> bool:
    """Whether a message is this row's. A file cannot carry our id: it is recognised by its name and size."""
    wanted = row.content_as(SlackContent).file
    if wanted is None:
        return _external_id(message) == row.external_id
    files = [each for each in message.get("files") or () if isinstance(each, Mapping)] if message.get("bot_id") else []
    return any((each.get("title"), each.get("size")) == (wanted.name, wanted.size) for each in files)


def _messages_since(client: WebClient, row: ClaimedMessage) -> Iterator[Mapping[str, Any]]:
    """The messages of the row's channel or thread that are not older than the row, page by page."""
    content, cursor = row.content_as(SlackContent), ""
    thread_ts = content.thread_ts
    method = "conversations.replies" if thread_ts else "conversations.history"
    oldest = f"{(row.created_at - _CLOCKS_DIFFER).timestamp():.6f}"
    asked = {"channel": content.channel, "oldest": oldest, "include_all_metadata": True, "limit": 200}
    for _ in range(_MOST_PAGES):
        answer = call(client, method, asked | ({"ts": thread_ts} if thread_ts else {}) | {"cursor": cursor})
        yield from (each for each in answer.get("messages") or () if isinstance(each, Mapping))
        cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            return


def _external_id(message: Mapping[str, Any]) -> str:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return str(payload.get("external_id", "")) if metadata.get("event_type") == EVENT_TYPE else ""
