"""The modals that the buttons of a ticket's card open in Slack: answer, resolve, change.

The commands that their values become are in `gateway/slack/modal_values.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from desk.slack.orders import Button, Order
from gateway.slack.modal_values import CHANGES, FIELD, KIND, TEXT, THEN

Element = dict[str, Any]
"""A part of a modal, in the shape that Slack's Block Kit gives it."""
View = Element
Choice = tuple[str, str]
"""What an option says, and what it means."""

MOST_LETTERS = 3000
_MOST_OPTIONS, _MOST_LABEL, _MOST_VALUE, _MOST_TITLE = 100, 75, 150, 24
_LABELS = {
    "assign": "Owner",
    "team": "Team",
    "category": "Category",
    "priority": "Priority",
    "status": "Status",
    "macro": "Macro (its text goes to the requester)",
}


@dataclass(frozen=True, slots=True)
class ModalTicket:
    """What a window needs to know of a ticket. `fields` are the required ones that are empty: (name, label)."""

    number: int
    subject: str
    channel: str
    resolution: str = ""
    was: Mapping[str, str] | None = None
    choices: Mapping[str, Sequence[Choice]] | None = None
    fields: Sequence[tuple[str, str]] = ()


def view(button: str, shown: ModalTicket, order: Order) -> View:
    """The window that a button opens; it remembers where it was asked for."""
    make = {Button.ANSWER: _answer, Button.RESOLVE: _resolve}.get(Button(button), _change)
    title, submit, blocks = make(shown)
    place = {"channel": order.channel, "ts": order.ts, "thread_ts": order.thread_ts}
    given = {"ticket": shown.number, **place} | (
        {"was": {name: value[:_MOST_VALUE] for name, value in (shown.was or {}).items()}}
        if button == Button.CHANGE
        else {}
    )
    return {
        "type": "modal",
        "callback_id": str(button),
        "private_metadata": json.dumps(given)[:MOST_LETTERS],
        "title": _plain(title, _MOST_TITLE),
        "submit": _plain(submit, _MOST_TITLE),
        "close": _plain("Cancel", _MOST_TITLE),
        "blocks": [_about(shown), *blocks],
    }


def _answer(shown: ModalTicket) -> tuple[str, str, list[Element]]:
    kinds = [("Reply to the requester", "reply"), ("Internal note, for agents only", "note")]
    afterwards = [("The requester's turn", "keep"), ("Resolved with this", "resolve"), ("On hold", "hold")]
    blocks = [
        _input(TEXT, "Text", _text_box("", f"It leaves as the ticket came: {shown.channel}.")),
        _input(KIND, "Send it as", _radio(kinds)),
        _input(THEN, "Then the ticket is", _select(afterwards, "keep"), optional=True),
    ]
    return f"Answer #{shown.number}", "Send", blocks


def _resolve(shown: ModalTicket) -> tuple[str, str, list[Element]]:
    box = _text_box(shown.resolution, "What solved it, in words that help the next one")
    blocks = [_input(f"{FIELD}{name}", label, _line("")) for name, label in shown.fields]
    return f"Resolve #{shown.number}", "Resolve", [*blocks, _input(TEXT, "Resolution", box, optional=True)]


def _change(shown: ModalTicket) -> tuple[str, str, list[Element]]:
    was, choices = shown.was or {}, shown.choices or {}
    blocks = []
    for name in CHANGES:
        if name == "snooze":
            hint = _line("3h, tomorrow, monday, 2026-12-01 14:00")
            blocks.append(_input(name, "Snooze until", hint, optional=True))
        elif (select := _select(choices.get(name, ()), was.get(name, "")))["options"]:
            blocks.append(_input(name, _LABELS[name], select, optional=True))
    return f"Change #{shown.number}", "Save", blocks


def _about(shown: ModalTicket) -> Element:
    """Plain text: what somebody wrote as a subject has no effect here."""
    text = _plain(f"#{shown.number} {shown.subject}", MOST_LETTERS)
    return {"type": "context", "elements": [text | {"emoji": False}]}


def _input(block: str, label: str, element: Element, *, optional: bool = False) -> Element:
    named = element | {"action_id": "value"}
    return {"type": "input", "block_id": block, "label": _plain(label, 2000), "element": named, "optional": optional}


def _text_box(initial: str, hint: str) -> Element:
    box: Element = {"type": "plain_text_input", "multiline": True, "max_length": MOST_LETTERS}
    box["placeholder"] = _plain(hint, _MOST_VALUE)
    return box | ({"initial_value": initial[:MOST_LETTERS]} if initial else {})


def _line(hint: str) -> Element:
    line: Element = {"type": "plain_text_input", "max_length": MOST_LETTERS}
    return line | ({"placeholder": _plain(hint, _MOST_VALUE)} if hint else {})


def _radio(choices: Sequence[Choice]) -> Element:
    options = [_option(one) for one in choices]
    return {"type": "radio_buttons", "options": options, "initial_option": options[0]}


def _select(choices: Sequence[Choice], chosen: str) -> Element:
    """Options that Slack would refuse for their length are left out."""
    options = [_option(one) for one in choices if one[0] and 0 < len(one[1]) <= _MOST_VALUE][:_MOST_OPTIONS]
    first = next((one for one in options if one["value"] == chosen), None)
    return {"type": "static_select", "options": options} | ({"initial_option": first} if first else {})


def _option(choice: Choice) -> Element:
    return {"text": _plain(choice[0], _MOST_LABEL), "value": choice[1]}


def _plain(text: str, most: int) -> Element:
    return {"type": "plain_text", "text": text if len(text) <= most else text[: most - 1] + "…"}
