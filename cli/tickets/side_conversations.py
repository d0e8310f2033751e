"""Commands on side conversations: list, ask somebody aside, write on, close, open again.

What to write is an option or comes from the standard input. What sends a mail has --dry-run, which does it all and
takes it back.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from cli import output
from cli.command import IN_NAME_OF, TICKET, Call
from cli.tickets.tickets import ticket_group
from cli.trouble import Trouble
from desk.access.permissions import MEANS, Verb
from desk.tickets.side_conversation import Side
from desk.tickets.ticket import DESK, Actor, ActorKind, Author, NotAllowed
from storage.db.session import Session
from storage.people import people
from storage.runtime.logging_setup import escaped
from storage.tickets import tickets
from usecases.tickets import side_conversations
from usecases.tickets.side_conversations import SideMessage

Do = Callable[[Session, Actor], Side]
_COLUMNS = ("id", "state", "address", "subject", "messages", "holds", "created_at")
_SIDE = click.argument("side", type=int)


@ticket_group.group("side")
def side_group() -> None:
    """Ask third parties by mail from inside a ticket; the requester never sees it."""


def _saying(function: Any) -> Any:
    """What is written, and how."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Only show what would be sent."),
        IN_NAME_OF,
        click.option("--hold", is_flag=True, help="Put the ticket on hold until they answer."),
        click.option("--quote", type=int, default=0, metavar="N", help="Quote the newest N public messages."),
        click.option("--file", "files", multiple=True, metavar="MESSAGE:PLACE", help="An attachment of the ticket."),
        click.option("--text", default="-", help="What to write; - (or nothing) reads standard input."),
    ):
        function = option(function)
    return function


@side_group.command("list")
@TICKET
def list_sides(call: Call, ticket: int) -> None:
    """The side conversations of a ticket."""
    with call.reading() as session:
        if tickets.get(session, ticket) is None:
            raise Trouble(f"there is no ticket #{ticket}")
        rows = side_conversations.all_as_json(session, ticket)
    call.rows(rows, _COLUMNS, [row | {"messages": len(row["messages"])} for row in rows])


@side_group.command("open")
@TICKET
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--subject", default="", help="Without one: the ticket's own, which then leaves the desk.")
@_saying
def ask(
    call: Call, ticket: int, addresses: tuple[str, ...], subject: str, agent: str, dry_run: bool, **message: Any
) -> None:
    """Ask somebody aside: the first is asked, the others get copies."""
    words = _message(**message)

    def do(session: Session, actor: Actor) -> Side:
        row = tickets.get(session, ticket, lock=True)
        if row is None:
            raise NotAllowed(f"there is no ticket #{ticket}")
        to = ", ".join(addresses)
        return side_conversations.start_with_message(
            session, row, to, subject, words, Author(actor, call.now, "command line")
        )[0]

    _run(call, do, agent, "was asked aside", dry_run=dry_run)


@side_group.command()
@_SIDE
@click.option("--also", default="", metavar="ADDRESS", help="Who takes part from now on.")
@_saying
def send(call: Call, side: int, agent: str, dry_run: bool, **message: Any) -> None:
    """Write on in one."""
    words = _message(**message)

    def do(session: Session, actor: Actor) -> Side:
        row, ticket = side_conversations.lock_with_ticket(session, side)
        return side_conversations.add_message(session, row, ticket, words, Author(actor, call.now, "command line"))[0]

    _run(call, do, agent, "was written to", dry_run=dry_run)


@side_group.command()
@_SIDE
@IN_NAME_OF
def close(call: Call, side: int, agent: str) -> None:
    """Nothing more is expected."""

    def do(session: Session, actor: Actor) -> Side:
        return side_conversations.end(session, *side_conversations.lock_with_ticket(session, side), actor, call.now)[0]

    _run(call, do, agent, "is asked no more")


@side_group.command()
@_SIDE
@IN_NAME_OF
def reopen(call: Call, side: int, agent: str) -> None:
    """It goes on."""

    def do(session: Session, actor: Actor) -> Side:
        row, ticket = side_conversations.lock_with_ticket(session, side)
        return side_conversations.reopen(session, row, ticket, actor, call.now)[0]

    _run(call, do, agent, "is asked again")


def _run(call: Call, do: Do, agent: str, done: str, *, dry_run: bool = False) -> None:
    with call.writing(dry_run=dry_run) as session:
        side = do(session, _actor(session, agent))
        rows = side_conversations.all_as_json(session, side.ticket_id)
        row = next(one for one in rows if one["id"] == side.id)
    if dry_run and not call.as_json:
        _print_letter(row)
    else:
        call.answer(row, f"side conversation {row['id']} of ticket #{row['ticket_id']}: {row['address']} {done}")


def _print_letter(found: dict[str, Any]) -> None:
    newest = found["messages"][-1]
    files = [one["name"] for one in newest["attachments"]]
    output.fields({"to": ", ".join(found["people"]), "subject": found["subject"], "files": ", ".join(files)})
    print()
    for line in newest["text"].splitlines():
        print("    " + escaped(line))
    print("\nnothing was sent")


def _message(text: str, files: tuple[str, ...], quote: int, hold: bool, also: str = "") -> SideMessage:
    words = sys.stdin.read() if text == "-" else text.replace("\\n", "\n")
    return SideMessage(words, tuple(map(_file, files)), quote, hold, also)


def _file(text: str) -> tuple[int, int]:
    message, _, place = text.partition(":")
    if not (message.isascii() and message.isdigit() and len(message) < 19 and place.isascii() and place.isdigit()):
        raise Trouble(f"{text!r} is no file: write MESSAGE:PLACE, as 12:0 for the first of message 12", 64)
    return int(message), int(place)


def _actor(session: Session, address: str) -> Actor:
    if not address:
        return DESK
    agent = people.by_address(session, address)
    if agent is None or not agent.may(Verb.SIDE):
        raise Trouble(f"{address} is no agent who may {MEANS[Verb.SIDE]}", 64)
    return Actor(ActorKind.AGENT, agent.id, agent.name or agent.address)
