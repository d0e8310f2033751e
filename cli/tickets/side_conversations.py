"""Commands on side conversations: list, ask somebody aside, write on, close, open again.

In: words of the command line, the text as an option or from standard input. Out: rows and one sentence, or JSON. What
sends a mail has --dry-run, which does it all and takes it back.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from desk.access.permissions import MEANS, Verb
from desk.config.settings import Settings
from desk.tickets.side_conversation import Side
from desk.tickets.ticket import DESK, Actor, ActorKind, Author, NotAllowed
from storage.db.session import Session
from storage.people import people
from storage.runtime.logging_setup import escaped
from storage.tickets import tickets
from usecases.tickets import side_conversations
from usecases.tickets.side_conversations import SideMessage

Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]
Do = Callable[[Session, Actor], Side]
_COLUMNS = ("id", "state", "address", "subject", "messages", "holds", "created_at")


def words(ticket: Any, command: Command) -> None:
    """The group below `ticket`."""
    text = "ask third parties by mail from inside a ticket; the requester never sees it"
    own = ticket.add_parser("side", help=text, description=text).add_subparsers(required=True, metavar="COMMAND")
    command(own, "list", listing, "the side conversations of a ticket").add_argument("id", type=int, metavar="TICKET")
    begin = command(own, "open", ask, "ask somebody aside")
    begin.add_argument("id", type=int, metavar="TICKET")
    begin.add_argument("address", nargs="+", help="the first is asked, the others get copies")
    begin.add_argument("--subject", default="", help="without one: the ticket's own, which then leaves the desk")
    _saying(begin)
    further = command(own, "send", send, "write on in one")
    further.add_argument("id", type=int, metavar="SIDE")
    further.add_argument("--also", default="", metavar="ADDRESS", help="who takes part from now on")
    _saying(further)
    for name, run, text in (("close", close, "nothing more is expected"), ("reopen", reopen, "it goes on")):
        made = command(own, name, run, text)
        made.add_argument("id", type=int, metavar="SIDE")
        made.add_argument(
            "--as", dest="agent", default="", metavar="ADDRESS", help="the agent in whose name it is done"
        )


def _saying(made: argparse.ArgumentParser) -> None:
    made.add_argument("--text", default="-", help="what to write; - (or nothing) reads standard input")
    made.add_argument(
        "--file", action="append", default=[], metavar="MESSAGE:PLACE", help="an attachment of the ticket"
    )
    made.add_argument("--quote", type=int, default=0, metavar="N", help="quote the newest N public messages")
    made.add_argument("--hold", action="store_true", help="put the ticket on hold until they answer")
    made.add_argument("--as", dest="agent", default="", metavar="ADDRESS", help="the agent in whose name it is sent")
    made.add_argument("--dry-run", action="store_true", help="only show what would be sent")


def listing(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        if tickets.get(session, args.id) is None:
            raise Trouble(f"there is no ticket #{args.id}")
        rows = side_conversations.all_as_json(session, args.id)
    if args.json:
        output.as_json(rows)
    else:
        output.table([row | {"messages": len(row["messages"])} for row in rows], _COLUMNS)
    return 0


def ask(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    said = _words(args)

    def do(session: Session, actor: Actor) -> Side:
        ticket = tickets.get(session, args.id, lock=True)
        if ticket is None:
            raise NotAllowed(f"there is no ticket #{args.id}")
        to = ", ".join(args.address)
        return side_conversations.start_with_message(
            session, ticket, to, args.subject, said, Author(actor, now, "command line")
        )[0]

    return _run(args, settings, do, "was asked aside")


def send(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    said = _words(args)

    def do(session: Session, actor: Actor) -> Side:
        side, ticket = side_conversations.lock_with_ticket(session, args.id)
        return side_conversations.add_message(session, side, ticket, said, Author(actor, now, "command line"))[0]

    return _run(args, settings, do, "was written to")


def close(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    def do(session: Session, actor: Actor) -> Side:
        return side_conversations.end(session, *side_conversations.lock_with_ticket(session, args.id), actor, now)[0]

    return _run(args, settings, do, "is asked no more")


def reopen(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    def do(session: Session, actor: Actor) -> Side:
        return side_conversations.reopen(session, *side_conversations.lock_with_ticket(session, args.id), actor, now)[0]

    return _run(args, settings, do, "is asked again")


def _run(args: argparse.Namespace, settings: Settings, do: Do, done: str) -> int:
    dry = bool(getattr(args, "dry_run", False))
    with opened(settings) as store:
        try:
            with store.database.transaction(dry_run=dry) as session:
                side = do(session, _actor(session, args.agent))
                rows = side_conversations.all_as_json(session, side.ticket_id)
                found = next(row for row in rows if row["id"] == side.id)
        except NotAllowed as error:
            raise Trouble(str(error)) from error
    if args.json:
        output.as_json(found)
    elif dry:
        _print_letter(found)
    else:
        print(f"side conversation {found['id']} of ticket #{found['ticket_id']}: {found['address']} {done}")
    return 0


def _print_letter(found: dict[str, Any]) -> None:
    newest = found["messages"][-1]
    files = [one["name"] for one in newest["attachments"]]
    output.fields({"to": ", ".join(found["people"]), "subject": found["subject"], "files": ", ".join(files)})
    print()
    for line in newest["text"].splitlines():
        print("    " + escaped(line))
    print("\nnothing was sent")


def _words(args: argparse.Namespace) -> SideMessage:
    text = sys.stdin.read() if args.text == "-" else args.text.replace("\\n", "\n")
    return SideMessage(text, tuple(map(_file, args.file)), args.quote, args.hold, getattr(args, "also", ""))


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
