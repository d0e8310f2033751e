"""What an agent may write on the first lines of a mail (`#resolve`, `#assign me`) or Slack message (`!reply`, `!take`).

`parse` reads them and refuses to know tickets and people; an unknown command is reported, never skipped. Mail and
Slack know the same commands; they differ in the sign before them, and in what a text without any command is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from desk.priority.levels import Priority
from desk.tickets.ticket import Status


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

    @property
    def is_reply(self) -> bool:
        return any(command.name == "reply" for command in self.commands)

    @property
    def third_parties(self) -> str:
        """Whose side conversation the text starts; empty: none."""
        return ", ".join(command.argument for command in self.commands if command.name == "side")

    @property
    def others(self) -> tuple[Command, ...]:
        """The commands but for the one that starts a side conversation."""
        return tuple(command for command in self.commands if command.name != "side")


HELP = """\
#note             the text below is an internal note, not a reply
#reply            the text below is a reply to the requester
#side ADDRESS     the text below goes to that third party, and never to the requester (by mail)
#assign NAME|me   who owns the ticket
#take             the same as #assign me
#team NAME        which team owns it
#status STATUS    open, pending, on_hold, resolved or closed
#pending, #hold   the same as #status pending, #status on_hold
#resolve WORDS    it is solved, and (if you like) what solved it
#close, #reopen   the same as #status closed, #status open
#snooze TIME      out of the lists until 3h, tomorrow, monday, 2026-12-01 14:00
#priority P       urgent, high, medium or low
#category NAME    what it is about
#tag WORD …       further tags
#field NAME VALUE a custom field
#macro NAME       the macro's text above yours, and what it does besides
#copy ADDRESS     puts somebody in copy of the answers
#requester ADDR.  whose ticket it is from now on
#alias ADDRESS    another address of yours, from which you answered here
#merge NUMBER     this ticket ends in that one
#undo             takes back the last change of the ticket
#help             this list"""
"""The same list for every channel; `help_for` writes the channel's own sign before the commands."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What stands before a command. After one of `always` an unknown word is reported; after one of `known` only the
    words of the list are commands, and anything else is text: a path, a channel's name."""

    always: str = "#"
    known: str = ""


MAIL, SLACK = Signs(), Signs("!", "#/")

_LINE = re.compile(r"([#!/])([A-Za-z]\S*)(?:\s+(.*))?$")
_INVISIBLE = "\ufeff\u200b"
"""What some programs put before the first letter."""


def help_for(signs: Signs) -> str:
    """The list as the channel writes it."""
    return HELP.replace("#", signs.always)


def parse(text: str, signs: Signs = MAIL) -> Parsed:
    """Commands stand on the first lines, one a line; the first other line begins the text."""
    commands: list[Command] = []
    lines = text.split("\n")
    position = 0
    for position, line in enumerate(lines):  # noqa: B007
        match = _command(line, signs)
        if match is None and line.strip():
            break
        if match is not None:
            commands.append(Command(match.group(2).lower(), (match.group(3) or "").strip()))
    else:
        position = len(lines)
    errors = [error for command in commands if (error := wrong(command, signs))]
    commands = [command for command in commands if command.name in _CHECKS]
    rest = "\n".join(lines[position:]).strip()
    spoken = "\n".join(one.argument for one in commands if one.name in _SPEAKING and one.argument)
    return Parsed(tuple(commands), tuple(errors), "\n".join(part for part in (spoken, rest) if part))


def wrong(command: Command, signs: Signs = MAIL) -> str:
    """What is wrong with a command as it is written; empty if nothing is."""
    said = f"{signs.always}{command.name}"
    check = _CHECKS.get(command.name)
    if check is None:
        return f"{said} is not a command"
    error = check(command.argument)
    return f"{said} {command.argument}".strip() + f": {error}" if error else ""


def _command(line: str, signs: Signs) -> re.Match[str] | None:
    match = _LINE.match(line.strip().lstrip(_INVISIBLE).strip())
    if match is None or match.group(1) in signs.always:
        return match
    return match if match.group(1) in signs.known and match.group(2).lower() in _CHECKS else None


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


def _address(argument: str) -> str:
    return "" if "@" in argument and len(argument.split()) == 1 else "needs an address behind it"


def _two(argument: str) -> str:
    return "" if len(argument.split(None, 1)) == 2 else "needs a name and a value behind it"


_SPEAKING = ("note", "reply")
"""What stands on their line belongs to the text."""

_CHECKS: dict[str, Callable[[str], str]] = {
    "note": _anything,
    "reply": _anything,
    "side": _some,
    "assign": _some,
    "take": _nothing,
    "pending": _nothing,
    "hold": _nothing,
    "reopen": _nothing,
    "snooze": _some,
    "field": _two,
    "undo": _nothing,
    "team": _some,
    "status": _status,
    "resolve": _anything,
    "close": _nothing,
    "priority": _priority,
    "category": _some,
    "tag": _some,
    "macro": _some,
    "copy": _address,
    "requester": _address,
    "alias": _address,
    "merge": _number,
    "help": _nothing,
}

NAMES = tuple(_CHECKS)
"""Every command."""
