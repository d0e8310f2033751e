"""What somebody does in Slack besides opening a ticket: says, presses, submits, types, edits, takes back. One schema.

The gateway makes it and writes it down; a worker reads and executes it. As JSON it travels in a field of the request.
The names of buttons and windows are here, because the one room shows them and the other one hears them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from desk.tickets.commands import Command

FIELD = "slack_order"
"""The field of the request in which an order travels."""

SOURCE = "orders:slack:"
"""The source of requests that are orders: they are executed, and open no ticket."""


class Kind(StrEnum):
    SAID = "said"
    PRESSED = "pressed"
    SUBMITTED = "submitted"
    TYPED = "typed"
    EDITED = "edited"
    WITHDRAWN = "withdrawn"


class Button(StrEnum):
    """The action ids of the card's buttons; their value is the ticket's number."""

    ANSWER = "frontdesk_answer"
    TAKE = "frontdesk_take"
    RESOLVE = "frontdesk_resolve"
    CHANGE = "frontdesk_change"
    MORE = "frontdesk_more"


WINDOWS = frozenset({Button.ANSWER, Button.RESOLVE, Button.CHANGE})
"""These open a window; nothing is done before it is sent."""

MORE: dict[str, tuple[str, Command]] = {
    "pending": ("Pending: the requester's turn", Command("pending")),
    "hold": ("On hold: a third party's turn", Command("hold")),
    "reopen": ("Open again", Command("reopen")),
    "snooze": ("Snooze until tomorrow", Command("snooze", "tomorrow")),
    "undo": ("Undo the last change", Command("undo")),
}
"""Behind the three dots: the word in an option's value, what it says, what it does."""


@dataclass(frozen=True, slots=True)
class SlackFile:
    """A file as Slack names it; its bytes are fetched later, by its id."""

    id: str
    name: str = ""
    media_type: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """`team` is the bot's workspace, `user_team` the one of whoever did it ("" where Slack does not say).

    `ts` and `thread_ts` name the message and its thread; `text` is what was said or typed, already plain.
    `commands` are those of a button or window; a message's own stand in its text. `before` is an edited text as it
    was. `guest` and `email` are what Slack says of the account; `email` only if Slack has confirmed it. `unknown`:
    Slack has not said yet who it is.
    """

    kind: Kind
    team: str
    user: str
    channel: str = ""
    ts: str = ""
    thread_ts: str = ""
    user_team: str = ""
    ticket_id: int = 0
    text: str = ""
    before: str = ""
    commands: tuple[Command, ...] = ()
    files: tuple[SlackFile, ...] = ()
    guest: bool = False
    email: str = ""
    unknown: bool = False

    @property
    def account(self) -> str:
        """Whoever did it, as people are linked."""
        return f"slack:{self.team}:{self.user}"

    @property
    def message_id(self) -> str:
        """The message that it is, or is about."""
        return f"{self.team}:{self.channel}:{self.ts}"

    @property
    def conversation(self) -> str:
        return f"slack:{self.team}:{self.channel}:{self.thread_ts or self.ts}"


_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,30}")
_ACCOUNT = re.compile(r"slack:[A-Z0-9]{2,30}:[UW][A-Z0-9]{2,30}")


def is_channel(text: str) -> bool:
    """Whether this is a channel's id, such as C0123456; its name is none."""
    return _CHANNEL.fullmatch(text) is not None


def is_account(text: str) -> bool:
    """Whether this names an account, such as slack:T0123:U0456."""
    return _ACCOUNT.fullmatch(text) is not None


def is_other_workspace(order: Order) -> bool:
    """Whether it was done by somebody of another workspace, in a channel that is shared with them."""
    return order.user_team not in ("", order.team)


def to_json(order: Order) -> str:
    return json.dumps({name: value for name, value in asdict(order).items() if value}, ensure_ascii=False)


def from_json(text: str) -> Order:
    """The order that `to_json` wrote. Raises ValueError where it is none."""
    try:
        data: dict[str, Any] = json.loads(text)
        data["kind"] = Kind(data["kind"])
        data["commands"] = tuple(Command(**one) for one in data.get("commands", ()))
        data["files"] = tuple(SlackFile(**one) for one in data.get("files", ()))
        return Order(**data)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an order: {error}") from error


def of_fields(fields: Sequence[tuple[str, str]]) -> Order:
    """The order in a request's fields."""
    found = next((value for name, value in fields if name == FIELD), "")
    return from_json(found or "{}")


def number_of(text: str) -> tuple[int, str]:
    """The ticket's number at the beginning of what was typed, and the rest; 0 where there is none."""
    first, _, rest = text.strip().partition(" ")
    digits = first.removeprefix("#")
    good = digits.isascii() and digits.isdigit() and len(digits) < 15
    return (int(digits), rest.strip()) if good else (0, text.strip())
