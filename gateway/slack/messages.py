"""Reads a person's message to the desk from a Slack event or shortcut, or says why it is to be ignored.

It never raises, whatever the body looks like. Whether a thread belongs to a ticket is checked by the caller. Everything
else that people do in Slack is read in `gateway/slack/orders.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from desk.slack.orders import SlackFile
from desk.text.file_names import clean_name
from gateway.slack.message_text import further_text, own_text, shared_files
from gateway.slack.payload import Payload, mapping_of, text_of

SHORTCUT = "open_ticket"
"""The callback id of the message shortcut in the app's manifest."""

_PERSONS = ("", "file_share", "thread_broadcast", "me_message")
"""Subtypes of a message that a person wrote; all others are edits, deletions, joins, bots…"""

ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}\Z")
_MOST_FILES = 50
_DAY = 86_400


class Way(Enum):
    """How a message reached the desk."""

    DIRECT = "direct message"
    MENTION = "mention"
    SHORTCUT = "shortcut"
    THREAD = "thread of a channel"


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """One message of one person. The ids hold no colon, so keys made of them cannot be confused.

    `ours_only` says that it counts only in a thread that is a ticket already; `known_is_old` that in such a thread
    it is nothing new. `under_bot` says that the thread stands under a message of ours; `user_team` is the writer's
    own workspace, where Slack names it. `shared` is the text of attachments and of messages shared with it.
    """

    way: Way
    team: str
    channel: str
    ts: str
    thread_ts: str
    user: str
    text: str
    name: str = ""
    bot_user: str = ""
    opened_by: str = ""
    files: tuple[SlackFile, ...] = ()
    ours_only: bool = False
    known_is_old: bool = False
    under_bot: bool = False
    user_team: str = ""
    shared: str = ""

    @property
    def whole(self) -> str:
        """All its text: the author's own first."""
        return "\n\n".join(part for part in (self.text, self.shared) if part)

    @property
    def external_id(self) -> str:
        """The message itself: the same in a mention, a message event and a shortcut, so that it is one request."""
        return f"{self.team}:{self.channel}:{self.ts}"

    @property
    def conversation(self) -> str:
        """The thread that it stands in, or that it begins."""
        return f"slack:{self.team}:{self.channel}:{self.thread_ts or self.ts}"

    @property
    def address(self) -> str:
        return f"slack:{self.team}:{self.user}"


@dataclass(frozen=True, slots=True)
class Ignored:
    """Not a request; `why` is for the log."""

    why: str


def read_message(body: Payload) -> SlackMessage | Ignored:
    """The message in an event or a message shortcut."""
    if body.get("type") == "message_action":
        return _shortcut(body)
    if body.get("type") != "event_callback":
        return Ignored("not an event")
    event = mapping_of(body, "event")
    if event.get("type") not in ("message", "app_mention"):
        return Ignored("another event")
    return _event(body, event)


def _event(body: Payload, event: Payload) -> SlackMessage | Ignored:
    bot_user = text_of(authorization(body), "user_id")
    why = _not_a_person(event, bot_user)
    if why:
        return Ignored(why)
    if not _same_moment(body.get("event_time"), text_of(event, "ts")):
        return Ignored("the event is not as old as its message")
    way = _way(event)
    thread_ts = text_of(event, "thread_ts")
    if way is Way.THREAD and thread_ts in ("", text_of(event, "ts")):
        return Ignored("not said to the desk")
    read = _message(way, team_of(body), text_of(event, "channel"), event, bot_user)
    return read if read is not None else Ignored("ids are missing")


def _shortcut(body: Payload) -> SlackMessage | Ignored:
    if body.get("callback_id") != SHORTCUT:
        return Ignored("another shortcut")
    message, presser = mapping_of(body, "message"), mapping_of(body, "user")
    if not text_of(message, "user") or text_of(message, "bot_id"):
        # A bot cannot be answered: the request is the one of who pressed the button.
        message = {**message, "user": text_of(presser, "id"), "user_profile": {}}
    read = _message(Way.SHORTCUT, team_of(body), text_of(mapping_of(body, "channel"), "id"), message, "", presser)
    return read if read is not None else Ignored("ids are missing")


def team_of(body: Payload) -> str:
    """The workspace whose installation this is for; in a shared channel the event's own team may be another."""
    return (
        text_of(authorization(body), "team_id")
        or text_of(body, "team_id")
        or text_of(mapping_of(body, "team"), "id")
        or text_of(mapping_of(body, "user"), "team_id")
    )


def _message(
    way: Way,
    team: str,
    channel: str,
    message: Payload,
    bot_user: str,
    presser: Payload | None = None,
) -> SlackMessage | None:
    user, ts, thread_ts = text_of(message, "user"), text_of(message, "ts"), text_of(message, "thread_ts")
    opened_by = text_of(presser or {}, "id")
    ids = [team, channel, user, *([opened_by] if presser is not None else [])]
    moments = [ts, *([thread_ts] if thread_ts else [])]
    if not (all(ID.match(one) for one in ids) and all(TS.match(one) for one in moments)):
        return None
    return SlackMessage(
        way=way,
        team=team,
        channel=channel,
        ts=ts,
        thread_ts=thread_ts,
        user=user,
        text=own_text(message),
        shared=further_text(message),
        name=_name(mapping_of(message, "user_profile")),
        bot_user=bot_user,
        opened_by=opened_by,
        files=_files(message),
        under_bot=bool(bot_user) and text_of(message, "parent_user_id") == bot_user,
        user_team=text_of(message, "user_team") or text_of(message, "source_team"),
        ours_only=way is Way.THREAD,
        known_is_old=way is not Way.SHORTCUT and bool(message.get("edited")),
    )


def _way(event: Payload) -> Way:
    if event.get("type") == "app_mention":
        return Way.MENTION
    return Way.DIRECT if event.get("channel_type") == "im" else Way.THREAD


def _not_a_person(event: Payload, bot_user: str) -> str:
    """Why nobody wrote this; empty if somebody did."""
    if event.get("subtype") not in (None, *_PERSONS):
        return "an edit, a deletion or a notice"
    if event.get("bot_id") or event.get("bot_profile"):
        return "a bot's message"
    if event.get("hidden") or text_of(event, "user") in ("", "USLACKBOT", bot_user):
        return "nobody's message"
    return ""


def _same_moment(event_time: Any, ts: str) -> bool:
    """Slack sends an event when a message is written; where the two differ by days, an old event was signed anew."""
    if isinstance(event_time, bool) or not isinstance(event_time, int) or not TS.match(ts):
        return True
    return abs(event_time - int(ts.partition(".")[0])) <= _DAY


def authorization(body: Payload) -> Payload:
    listed = body.get("authorizations")
    first = listed[0] if isinstance(listed, list) and listed else None
    return first if isinstance(first, Mapping) else {}


def _files(message: Payload) -> tuple[SlackFile, ...]:
    listed = message.get("files")
    files = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    files += shared_files(message)
    return tuple(_file(one) for one in files[:_MOST_FILES] if ID.match(text_of(one, "id")))


def _file(one: Payload) -> SlackFile:
    size = one.get("size")
    known = size if isinstance(size, int) and 0 <= size < 2**53 else 0
    name = clean_name(text_of(one, "name") or text_of(one, "title"))
    return SlackFile(text_of(one, "id"), name, text_of(one, "mimetype"), known)


def _name(profile: Payload) -> str:
    return text_of(profile, "real_name") or text_of(profile, "display_name")
