"""What an agent may write on the first lines of a mail or Slack message: `#resolve`, `#assign me`, `#note`…

`parse` reads them and refuses to know tickets and people; an unknown command is reported, never skipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from desk.ticket import Priority, Status


@dataclass(frozen=True, slots=True)
class Command:
    """One line: its name and the words behind it."""

    name: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """The commands in order, what was wrong, and the text under them. With `errors` nothing may be done."""

    commands: tuple[Command, ...]
    errors: tuple[str, ...]
    text: str

    @property
    def is_note(self) -> bool:
        return any(command.name == "note" for command in self.commands)


HELP = """\
#note             the text below is an internal note, not a reply
#assign NAME|me   who owns the ticket
#team NAME        which team owns it
#status STATUS    open, pending, on_hold, resolved or closed
#resolve          the same as #status resolved
#close            the same as #status closed
#priority P       urgent, high, medium or low
#category NAME    what it is about
#tag WORD …       further tags
#macro NAME       the macro's text above yours, and what it does besides
#merge NUMBER     this ticket ends in that one
#help             this list"""

_LINE = re.compile(r"#([A-Za-z]\S*)(?:\s+(.*))?$")
_INVISIBLE = "\ufeff\u200b"
"""What some programs put before the first letter."""


def parse(text: str) -> Parsed:
    """Commands stand on the first lines, one a line; the first other line begins the text."""
    commands: list[Command] = []
    errors: list[str] = []
    lines = text.split("\n")
    position = 0
    for position, line in enumerate(lines):  # noqa: B007
        match = _LINE.match(line.strip().lstrip(_INVISIBLE).strip())
        if match is None and line.strip():
            break
        if match is not None:
            _read(match.group(1).lower(), (match.group(2) or "").strip(), commands, errors)
    else:
        position = len(lines)
    rest = "\n".join(lines[position:]).strip()
    spoken = "\n".join(command.argument for command in commands if command.name == "note" and command.argument)
    return Parsed(tuple(commands), tuple(errors), "\n".join(part for part in (spoken, rest) if part))


def _read(name: str, argument: str, commands: list[Command], errors: list[str]) -> None:
    check = _CHECKS.get(name)
    if check is None:
        errors.append(f"#{name} is not a command")
        return
    error = check(argument)
    if error:
        errors.append(f"#{name} {argument}".strip() + f": {error}")
    commands.append(Command(name, argument))


def _nothing(argument: str) -> str:
    return "takes nothing behind it" if argument else ""


def _anything(argument: str) -> str:
    return ""


def _some(argument: str) -> str:
    return "" if argument else "needs a word behind it"


def _status(argument: str) -> str:
    words = [str(status) for status in Status if status is not Status.NEW]
    return "" if argument.lower().replace(" ", "_") in words else f"should be one of {', '.join(words)}"


def _priority(argument: str) -> str:
    words = [str(priority) for priority in Priority]
    return "" if argument.lower() in words else f"should be one of {', '.join(words)}"


def _number(argument: str) -> str:
    number = argument.removeprefix("#")
    return "" if number.isascii() and number.isdigit() and len(number) < 15 else "needs a ticket number"


_CHECKS: dict[str, Callable[[str], str]] = {
    "note": _anything,
    "assign": _some,
    "team": _some,
    "status": _status,
    "resolve": _nothing,
    "close": _nothing,
    "priority": _priority,
    "category": _some,
    "tag": _some,
    "macro": _some,
    "merge": _number,
    "help": _nothing,
}
