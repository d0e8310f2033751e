"""The values of a submitted modal as commands and a text.

The `private_metadata` of the view is what the modal was opened with. The commands are checked when they are executed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from desk.slack.orders import Button
from desk.tickets.commands import Command
from gateway.slack.payload import Payload, mapping_of, text_of

TEXT, KIND, THEN, FIELD = "text", "kind", "then", "field:"
CHANGES = ("assign", "team", "category", "priority", "status", "snooze", "macro")
"""The inputs of the window in which a ticket is changed: each is the command that it gives."""


def metadata_of_view(view: Payload) -> Payload:
    """What we gave the window along; empty if it is nothing of ours."""
    try:
        found = json.loads(text_of(view, "private_metadata") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def commands_of_view(view: Payload, given: Payload) -> tuple[str, tuple[Command, ...]]:
    """The text to be said, and the commands."""
    values = values_of_view(view)
    match text_of(view, "callback_id"):
        case Button.ANSWER:
            then = (Command(values[THEN]),) if values.get(THEN) in ("resolve", "hold") else ()
            said = Command("note" if values.get(KIND) == "note" else "reply")
            return values.get(TEXT, "").strip(), (said, *then)
        case Button.RESOLVE:
            named = ((name.removeprefix(FIELD), value) for name, value in values.items() if name.startswith(FIELD))
            fields = tuple(Command("field", f"{name} {value}") for name, value in named if value.strip())
            return "", (*fields, Command("resolve", values.get(TEXT, "").strip()))
        case _:
            was = mapping_of(given, "was")
            filled_in = {name: values.get(name, "").strip() for name in CHANGES}
            changed = tuple(Command(name, to) for name, to in filled_in.items() if to and to != was.get(name))
            # The window says that a macro's text goes to the requester.
            return "", (*((Command("reply"),) if filled_in["macro"] else ()), *changed)


def values_of_view(view: Payload) -> dict[str, str]:
    """Block → what is in its input: a text, or the value of the option that was chosen."""
    blocks = mapping_of(mapping_of(view, "state"), "values")
    found: dict[str, str] = {}
    for block, inputs in blocks.items():
        for value in inputs.values() if isinstance(inputs, Mapping) else ():
            if isinstance(value, Mapping):
                chosen = text_of(mapping_of(value, "selected_option"), "value")
                found[str(block)] = chosen or text_of(value, "value")
    return found
