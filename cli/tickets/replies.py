"""`frontdesk ticket reply` and `ticket note`: what an agent says on a ticket, from the command line.

The text is an option or comes from the standard input. A dry run does all of it and takes it back.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict

import click

from cli.command import TICKET, Call, Decorator
from cli.tickets.tickets import ticket_group
from cli.trouble import Trouble
from console.api.replies import in_name_of
from desk.access.permissions import Verb
from desk.tickets.ticket import Ticket
from storage.db.session import Session
from storage.tickets import signatures, tickets
from usecases.agents import scheduled_replies
from usecases.agents.scheduled_replies import ReplyRequest
from usecases.tickets import conversation
from usecases.tickets.conversation import Written

_AGENT: Decorator = click.option("--as", "agent", required=True, metavar="ADDRESS", help="The agent in whose name.")
_TEXT: Decorator = click.option("--text", default="-", help="What is said; - (or nothing) reads standard input.")
_DRY_RUN: Decorator = click.option("--dry-run", is_flag=True, help="Show what would be said, and say nothing.")


@ticket_group.command()
@TICKET
@_AGENT
@_TEXT
@click.option("--no-signature", is_flag=True, help="Without the agent's signature.")
@click.option("--resolve", is_flag=True, help="The ticket is solved by it.")
@_DRY_RUN
def reply(call: Call, ticket: int, agent: str, text: str, no_signature: bool, resolve: bool, dry_run: bool) -> None:
    """Answer the requester."""
    words = ReplyRequest(_text(text), resolve=resolve, signed=not no_signature)

    def say(session: Session, row: Ticket) -> Ticket:
        actor = in_name_of(session, agent, row, Verb.REPLY)
        return scheduled_replies.reply_now(session, row, actor, words, call.now, via="command line")

    _write(call, ticket, say, dry_run=dry_run)


@ticket_group.command()
@TICKET
@_AGENT
@_TEXT
@_DRY_RUN
def note(call: Call, ticket: int, agent: str, text: str, dry_run: bool) -> None:
    """An internal note."""
    words = _text(text)

    def say(session: Session, row: Ticket) -> Ticket:
        actor = in_name_of(session, agent, row, Verb.NOTE)
        return conversation.note(session, row, Written(actor, words, call.now, via="command line"))

    _write(call, ticket, say, dry_run=dry_run)


def _write(call: Call, ticket: int, say: Callable[[Session, Ticket], Ticket], *, dry_run: bool) -> None:
    with call.writing(dry_run=dry_run) as session:
        row = tickets.get(session, ticket, lock=True)
        if row is None:
            raise Trouble(f"there is no ticket #{ticket}")
        saved = say(session, row)
        message = tickets.messages_of(session, ticket, most=10_000)[-1]
        signature = signatures.for_message(message)
    below = f"\n\n-- \n{signature}" if signature else ""
    call.answer(
        {"ticket": asdict(saved), "text": message.text, "signature": signature, "dry_run": dry_run},
        f"{message.text}{below}" if dry_run else f"said on ticket #{ticket}",
    )


def _text(text: str) -> str:
    return (sys.stdin.read() if text == "-" else text).strip("\n")
