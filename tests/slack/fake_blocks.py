"""What Slack refuses of blocks and windows: the limits of Block Kit, as far as the desk uses it.

It takes blocks or a view as they are sent, and returns the first thing that is wrong, or "".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_ELEMENTS = ("button", "overflow", "static_select", "plain_text_input", "radio_buttons")
_IN_ACTIONS = ("button", "overflow", "static_select", "radio_buttons")


def wrong(blocks: list[dict[str, Any]], *, modal: bool = False) -> str:
    """Why these blocks would be refused."""
    if len(blocks) > (100 if modal else 50):
        return "too many blocks"
    ids = [one["block_id"] for one in blocks if one.get("block_id")]
    if len(ids) != len(set(ids)):
        return "two blocks have one id"
    return next((fault for one in blocks for fault in _faults(one, modal=modal)), "")


def wrong_view(view: dict[str, Any]) -> str:
    """Why this window would be refused."""
    blocks = view.get("blocks") or []
    if view.get("type") != "modal" or not blocks or len(view.get("callback_id", "")) > 255:
        return "no window"
    if len(view.get("private_metadata", "")) > 3000:
        return "private_metadata is too long"
    for name in ("title", "submit", "close"):
        if name in view and _text(view[name], 24, ("plain_text",)):
            return name
    if any(one.get("type") == "input" for one in blocks) and "submit" not in view:
        return "inputs need a submit"
    return wrong(blocks, modal=True)


def _faults(block: dict[str, Any], *, modal: bool) -> Iterator[str]:
    kind = block.get("type")
    if len(block.get("block_id", "")) > 255:
        yield "block_id"
    if kind == "section":
        yield from filter(None, [_text(block.get("text"), 3000, ("mrkdwn", "plain_text"))])
    elif kind == "context":
        if not 1 <= len(block["elements"]) <= 10:
            yield "context"
        for one in block["elements"]:
            yield from filter(None, [_text(one, 3000, ("mrkdwn", "plain_text"))])
    elif kind == "actions":
        if not 1 <= len(block["elements"]) <= 25:
            yield "actions"
        for one in block["elements"]:
            yield from [f"{one['type']} in actions"] if one["type"] not in _IN_ACTIONS else _element(one)
    elif kind == "input" and modal:
        yield from filter(None, [_text(block.get("label"), 2000, ("plain_text",))])
        yield from _element(block["element"])
    else:
        yield f"{kind} is no block here"


def _element(element: dict[str, Any]) -> Iterator[str]:
    kind = element["type"]
    if kind not in _ELEMENTS or len(element.get("action_id", "")) > 255:
        yield f"{kind} is no element"
    if kind == "button":
        yield from filter(None, [_text(element["text"], 75, ("plain_text",))])
        if len(element.get("value", "")) > 2000 or element.get("style") not in (None, "primary", "danger"):
            yield "button"
    most = {"overflow": 5, "static_select": 100, "radio_buttons": 10}.get(kind)
    options = element.get("options", [])
    if most is not None and not 1 <= len(options) <= most:
        yield f"{kind} with {len(options)} options"
    for option in options:
        yield from filter(None, [_text(option["text"], 75, ("plain_text", "mrkdwn"))])
        if not 0 < len(option["value"]) <= 150:
            yield "an option's value"
    if "initial_option" in element and element["initial_option"] not in options:
        yield "initial_option"
    if kind == "plain_text_input":
        if not 1 <= element.get("max_length", 3000) <= 3000:
            yield "max_length"
        if len(element.get("initial_value", "")) > element.get("max_length", 3000):
            yield "initial_value"
        if "placeholder" in element:
            yield from filter(None, [_text(element["placeholder"], 150, ("plain_text",))])


def _text(value: Any, most: int, kinds: tuple[str, ...]) -> str:
    if not isinstance(value, dict) or value.get("type") not in kinds:
        return "a text object is missing"
    return "" if 1 <= len(value.get("text", "")) <= most else "a text's length"
