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
from storage.db.session import Session
from storage.mail.outbound import ClaimedMessage
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
        file_name = str((message.content.get("file") or {}).get("sha256") or "")
        data = self._store.blobs.get(session, file_name) if file_name else b""
        if data is None:
            raise Unsendable("the file is not there any more")
        return lambda: Sent(posted_as=send(ready, settings, data=data))

    def record_sent(self, session: Session, message: ClaimedMessage, sent: Sent) -> None:
        slack_cards.note_posted(session, message, sent.posted_as)

    def close(self) -> None:
        """Nothing was opened."""


def send(
    letter: ClaimedMessage,
    settings: Settings,
    make_client: Callable[[Settings], WebClient] = web_client,
    data: bytes = b"",
) -> str:
    """Do what the row says unless an earlier try has; raises TransportError where it could not be done."""
    if not settings.slack_bot_token:
        raise TransportError("Slack is not set up (FRONTDESK_SLACK_BOT_TOKEN)", permanent=False)
    client, content = make_client(settings), letter.content
    if content.get("whisper_to"):
        return _whisper(client, content)
    if content.get("update_ts"):
        return _update(client, content)
    if letter.attempts > 1 and (stands := _standing(client, letter)) is not None:
        log.info("slack_message_found_posted", outbound_id=letter.id)
        return stands
    if content.get("file"):
        return _upload(client, settings, content, data)
    return str(call(client, "chat.postMessage", _arguments(letter)).get("ts") or "")


def _arguments(letter: ClaimedMessage) -> dict[str, Any]:
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


def _whisper(client: WebClient, content: Mapping[str, Any]) -> str:
    """Only one person sees it; where the bot is not in the conversation, it is said in the direct messages."""
    place = {"channel": content["channel"], "user": content["whisper_to"], "text": content["text"]}
    place |= {"thread_ts": content["thread_ts"]} if content.get("thread_ts") else {}
    try:
        call(client, "chat.postEphemeral", place)
    except TransportError as error:
        if not any(word in error.reason for word in _NOT_HERE):
            raise
        call(client, "chat.postMessage", {"channel": content["whisper_to"], "text": content["text"]})
    return ""


def _update(client: WebClient, content: Mapping[str, Any]) -> str:
    """The same message with other words; doing it twice is doing it once."""
    changed = {"channel": content["channel"], "ts": content["update_ts"], "text": content["text"]}
    call(client, "chat.update", changed | {"blocks": content.get("blocks") or []})
    return ""


def _upload(client: WebClient, settings: Settings, content: Mapping[str, Any], data: bytes) -> str:
    """Three steps, as Slack wants it; until the last one nobody sees anything."""
    name = str(content["file"].get("name") or "file")
    answer = call(client, "files.getUploadURLExternal", {"filename": name, "length": str(len(data))})
    _post(settings, str(answer.get("upload_url") or ""), data)
    shared = {"channel_id": content["channel"], "files": [{"id": str(answer.get("file_id")), "title": name}]}
    shared |= {"thread_ts": content["thread_ts"]} if content.get("thread_ts") else {}
    call(client, "files.completeUploadExternal", shared)
    return ""


def _post(settings: Settings, address: str, data: bytes) -> None:
    url = checked(settings, address)
    line = connection(settings, url, SECONDS)
    try:
        path = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        line.request("POST", path, data, {"Content-Type": "application/octet-stream"})
        status = line.getresponse().status
    except (HTTPException, OSError) as error:
        raise TransportError(f"Slack could not be reached ({type(error).__name__})", permanent=False) from None
    finally:
        line.close()
    if status != 200:
        raise TransportError(f"Slack did not take the file ({status})", permanent=False)


def _standing(client: WebClient, letter: ClaimedMessage) -> str | None:
    """The moment of what an earlier try has posted; None where there is nothing of it."""
    found = (str(one.get("ts") or "") for one in _since(client, letter) if _is_it(one, letter))
    return next(found, None)


def _is_it(message: Mapping[str, Any], letter: ClaimedMessage) -> bool:
    """A file cannot carry our id: it is known by its name and size, in the thread and after the row was made."""
    wanted = letter.content.get("file")
    if not wanted:
        return _external_id(message) == letter.external_id
    files = [one for one in message.get("files") or () if isinstance(one, Mapping)] if message.get("bot_id") else []
    return any((one.get("title"), one.get("size")) == (wanted.get("name"), wanted.get("size")) for one in files)


def _since(client: WebClient, letter: ClaimedMessage) -> Iterator[Mapping[str, Any]]:
    """The messages of the letter's place that are not older than the letter, page by page."""
    thread_ts, cursor = letter.content.get("thread_ts"), ""
    method = "conversations.replies" if thread_ts else "conversations.history"
    oldest = f"{(letter.created_at - _CLOCKS_DIFFER).timestamp():.6f}"
    asked = {"channel": letter.content["channel"], "oldest": oldest, "include_all_metadata": True, "limit": 200}
    for _ in range(_MOST_PAGES):
        answer = call(client, method, asked | ({"ts": thread_ts} if thread_ts else {}) | {"cursor": cursor})
        yield from (one for one in answer.get("messages") or () if isinstance(one, Mapping))
        cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            return


def _external_id(message: Mapping[str, Any]) -> str:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return str(payload.get("external_id", "")) if metadata.get("event_type") == EVENT_TYPE else ""
