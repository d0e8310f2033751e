"""The words of the commands on tickets: looking, answering, changing one or many, links and family, undo, sides."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from cli.tickets import properties as record
from cli.tickets import replies, side_conversations, tickets
from console.tickets.properties import QUICK
from usecases.tickets.links import KINDS

Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]


def words(ticket: Any, command: Command) -> None:
    """The group's commands."""
    listing = command(ticket, "list", tickets.ticket_list, "the newest tickets")
    listing.add_argument("--search", metavar="TEXT", default="")
    listing.add_argument("--status", action="append")
    listing.add_argument("--before", type=int, metavar="NUMBER")
    listing.add_argument("--most", type=int, default=50)
    _one(command(ticket, "show", tickets.ticket_show, "a ticket with its history and reasons"))
    command(ticket, "split", tickets.ticket_split, "make a message a ticket").add_argument("message", type=int)
    merge = _one(command(ticket, "merge", tickets.ticket_merge, "make a ticket part of another"))
    merge.add_argument("into", type=int)
    _changing(ticket, command)
    _belonging(ticket, command)
    replies.words(ticket, command)
    side_conversations.words(ticket, command)


def _changing(ticket: Any, command: Command) -> None:
    back = _one(command(ticket, "undo", record.undo_one, "take back a step of its history; without EVENT the newest"))
    back.add_argument("event", type=int, nargs="?", metavar="EVENT", help="its number, as `ticket show` tells it")
    back.add_argument("--dry-run", action="store_true", help="only say what would be taken back")
    many = command(ticket, "set", record.set_many, "change tickets: each by itself, and those that cannot be are said")
    many.add_argument("id", type=int, nargs="+")
    for name, text in (
        ("assign", "an agent's address or name, or nobody"),
        ("team", ""),
        ("status", ""),
        ("priority", ""),
    ):
        many.add_argument(f"--{name}", help=text or None)
    many.add_argument("--category")
    many.add_argument("--tag", action="append")
    many.add_argument("--untag", action="append")
    many.add_argument("--requester", metavar="ADDRESS", help="whose it is from now on; answers go there")
    many.add_argument("--into", type=int, metavar="NUMBER", help="merge them all into this ticket")
    many.add_argument("--dry-run", action="store_true", help="only say what would change")
    sleep = _one(
        command(ticket, "snooze", record.snooze, "put a ticket aside until then, or until the requester writes")
    )
    sleep.add_argument("until", help=f"{', '.join(QUICK)}, or a date or moment such as 2026-11-30")
    _one(command(ticket, "wake", record.wake, "bring a snoozed ticket back"))
    field = _one(command(ticket, "field", record.set_field, "say what a custom field holds"))
    field.add_argument("name")
    field.add_argument("value", help="empty takes it away")


def _belonging(ticket: Any, command: Command) -> None:
    for name, run, text in (("link", record.link, "link two tickets"), ("unlink", record.unlink, "take a link away")):
        made = _one(command(ticket, name, run, text))
        made.add_argument("kind", choices=KINDS)
        made.add_argument("other", type=int)
    parent = _one(command(ticket, "parent", record.parent, "make it a child of another ticket"))
    parent.add_argument("parent", type=int, nargs="?", help="without one: of none")
    _one(command(ticket, "resolve-children", record.resolve_children, "resolve what is still open below it"))
    copy = _one(command(ticket, "copy", record.copy, "who gets copies of its replies"))
    copy.add_argument("address")
    copy.add_argument("--off", action="store_true", help="no longer")


def _one(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
    made.add_argument("id", type=int)
    return made
