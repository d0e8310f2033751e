"""The texts of the requester's Slack thread, in Slack's markup.

What people wrote is escaped here, so that no subject, name or reply can alert a channel (`<!channel>`), mention
somebody or disguise a link.
"""

from __future__ import annotations

from desk.channels import TRAITS, Channel
from desk.mail.stored_file import StoredFile
from desk.slack.content import SlackContent
from desk.slack.markup import cut, escaped, one_line
from desk.tickets.ticket import Ticket

MOST_LETTERS = TRAITS[Channel.SLACK].longest_text

_CUT = "\n… (The rest is too long for Slack. Please ask for it in this thread.)"
_MOST_NAME = 80


def place_of(conversation: str) -> tuple[str, str]:
    """Channel and thread of a key such as `slack:T1:C1:1700000000.000100`; ValueError for anything else."""
    kind, *rest = conversation.split(":")
    if kind != "slack" or len(rest) != 3 or not all(rest):
        raise ValueError(f"{conversation!r} is not a Slack thread")
    return rest[1], rest[2]


def content(conversation: str, text: str, file: StoredFile | None = None) -> SlackContent:
    """A message or a file in the thread."""
    return SlackContent(*place_of(conversation), text, file=file)


def opened_text(ticket: Ticket, assignee: str, category: str, team: str) -> str:
    """The first answer in the thread: number, category, owner. Empty names are said as what they mean."""
    lines = [
        f"*Ticket #{ticket.id}*: {one_line(ticket.subject)}",
        f"Category: {one_line(category) or 'not sure yet, somebody will look at it'}",
        f"Owner: {_owner(assignee, team)}",
        "Write in this thread to add to your ticket; the answer comes here too.",
    ]
    return _cut("\n".join(lines))


def reply_text(author_name: str, text: str) -> str:
    """An agent's public reply."""
    return _cut(f"*{one_line(author_name)[:_MOST_NAME] or 'Support'}* replied:\n{escaped(text.strip())}")


def changed_text(what: str) -> str:
    """A change worth telling, as a short line: "resolved", "now with Ann"."""
    return _cut(f"Your ticket: {one_line(what)}")


def _owner(assignee: str, team: str) -> str:
    names = [one_line(name) for name in (assignee, team) if one_line(name)]
    if not names:
        return "nobody yet"
    return names[0] if len(names) == 1 else f"{names[0]} ({names[1]})"


def _cut(text: str) -> str:
    return cut(text, MOST_LETTERS, _CUT)
