"""`frontdesk ticket reply` and `ticket note`: what an agent says on a ticket, from the command line.

In: the text as an option or from standard input, and the agent in whose name it is said. Out: a sentence or JSON. A dry
run does all of it and takes it back.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from console.api.replies import in_name_of
from desk.access.permissions import Verb
from desk.config.settings import Settings
from desk.tickets.ticket import NotAllowed, Ticket
from storage.db.session import Session
from storage.tickets import signatures, tickets
from usecases.agents import scheduled_replies
from usecases.agents.scheduled_replies import ReplyRequest
from usecases.tickets import conversation
from usecases.tickets.conversation import Written

Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]


def words(own: Any, command: Command) -> None:
    for name, run, text in (("reply", reply, "answer the requester"), ("note", note, "an internal note")):
        made = command(own, name, run, text)
        made.add_argument("id", type=int)
        made.add_argument("--as", dest="agent", required=True, metavar="ADDRESS", help="the agent in whose name")
        made.add_argument("--text", default="-", help="what is said; - (or nothing) reads standard input")
        made.add_argument("--dry-run", action="store_true", help="show what would be said, and say nothing")
        if name == "reply":
            made.add_argument("--no-signature", action="store_true", help="without the agent's signature")
            made.add_argument("--resolve", action="store_true", help="the ticket is solved by it")


def reply(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    def say(session: Session, ticket: Ticket) -> Ticket:
        answer = ReplyRequest(_text(args), resolve=args.resolve, signed=not args.no_signature)
        return scheduled_replies.reply_now(
            session, ticket, in_name_of(session, args.agent, ticket, Verb.REPLY), answer, now, via="command line"
        )

    return _go(args, settings, say)


def note(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    def say(session: Session, ticket: Ticket) -> Ticket:
        actor = in_name_of(session, args.agent, ticket, Verb.NOTE)
        return conversation.note(session, ticket, Written(actor, _text(args), now, via="command line"))

    return _go(args, settings, say)


def _go(args: argparse.Namespace, settings: Settings, say: Callable[[Session, Ticket], Ticket]) -> int:
    with opened(settings) as store:
        try:
            with store.database.transaction(dry_run=args.dry_run) as session:
                ticket = tickets.get(session, args.id, lock=True)
                if ticket is None:
                    raise Trouble(f"there is no ticket #{args.id}")
                saved = say(session, ticket)
                said = tickets.messages_of(session, args.id, most=10_000)[-1]
                told = {"ticket": asdict(saved), "text": said.text, "signature": signatures.for_message(said)}
        except NotAllowed as error:
            raise Trouble(str(error)) from error
    if args.json:
        output.as_json(told | {"dry_run": args.dry_run})
        return 0
    below = f"\n\n-- \n{told['signature']}" if told["signature"] else ""
    print(f"{told['text']}{below}" if args.dry_run else f"said on ticket #{args.id}")
    return 0


def _text(args: argparse.Namespace) -> str:
    text = sys.stdin.read() if args.text == "-" else str(args.text)
    return text.strip("\n")
