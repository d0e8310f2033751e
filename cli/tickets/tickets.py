"""Commands on tickets: the list, one whole with its reasons, and undo by split and merge."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from console.web import mail_warnings
from desk.config.settings import Settings
from desk.mail.trust import MessageTrust
from desk.tickets.ticket import DESK, NotAllowed, Status, Ticket
from storage.runtime.logging_setup import escaped
from storage.tickets import listings, tickets
from storage.tickets.list_filter import TicketFilter
from usecases.tickets import conversation, merging
from usecases.tickets.merging import MergeRequest
from usecases.tickets.ticket_json import ticket_rows, whole_ticket

_COLUMNS = ("id", "status", "priority", "category", "team", "assignee", "requester", "subject")
_PREDICTION = ("category", "probability", "outcome", "reasons", "runners_up", "model_version")
_EVENT = ("id", "at", "kind", "by", "after", "why")
_WEIGHTED = ("reasons", "runners_up")


def ticket_list(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    statuses = [_status(text) for text in args.status or ()]
    with opened(settings) as store, store.database.reading() as session:
        wanted = TicketFilter(tuple(statuses), words=args.search)
        ids = listings.ticket_ids(session, wanted, before=args.before, most=args.most)
        rows = ticket_rows(session, list(reversed(tickets.get_many(session, ids).values())))
    if args.json:
        output.as_json(rows)
    else:
        output.table(rows, _COLUMNS)
    return 0


def ticket_show(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        whole = whole_ticket(session, args.id)
    if whole is None:
        raise Trouble(f"there is no ticket #{args.id}")
    if args.json:
        output.as_json(whole)
    else:
        _print_ticket(whole)
    return 0


def ticket_split(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        try:
            made = conversation.split(session, args.message, DESK, now)
        except NotAllowed as error:
            raise Trouble(str(error)) from error
    return _say(args, made, f"message {args.message} is ticket #{made.id} now")


def ticket_merge(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        try:
            kept = merging.merge(session, MergeRequest(args.id, args.into, DESK, now))
        except NotAllowed as error:
            raise Trouble(str(error)) from error
    return _say(args, kept, f"ticket #{args.id} is part of #{kept.id} now")


def _print_ticket(whole: dict[str, Any]) -> None:
    print(f"#{whole['id']}  {escaped(whole['subject'])}")
    names = ("status", "priority", "category", "team", "assignee", "requester", "created_at", "tags", "merged_into")
    output.fields({name: whole[name] for name in names})
    for reason in whole["priority_why"].get("reasons", ()):
        print(f"    why {whole['priority']}: {escaped(reason)}")
    prediction = whole["prediction"]
    if prediction:
        print("\nwhy this category")
        output.fields(_readable(prediction))
    for message in whole["messages"]:
        _print_message(message)
    for side in whole["side_conversations"]:
        _print_side(side)
    print("\nhistory")
    output.table([row | {"by": row["actor"]["name"]} for row in whole["events"]], _EVENT)
    print("\noutbound")
    output.table(whole["outbound"], ("id", "kind", "recipient", "state", "reason", "attempts", "sent_at"))


def _readable(prediction: dict[str, Any]) -> dict[str, Any]:
    """With weights and chances as a person wants them."""
    weights = {name: [f"{word} {weight:.2f}" for word, weight in prediction[name]] for name in _WEIGHTED}
    return (
        {name: prediction[name] for name in _PREDICTION} | weights | {"probability": f"{prediction['probability']:.3f}"}
    )


def _print_message(message: dict[str, Any]) -> None:
    direction = "from" if message["inbound"] else "by"
    who = message["author_address"] or message["author"]["name"] or message["author"]["kind"]
    at = output.text_of(message["created_at"])
    print(f"\n--- message {message['id']}: {message['kind']} {direction} {escaped(who)} at {at}")
    print(f"    thread: {escaped(message['signal'])} {escaped(message['signal_detail'])}")
    trust = MessageTrust.from_json(message["trust"])
    for sentence in [*mail_warnings.warnings(trust, message["attachments"]), *mail_warnings.remarks(trust)]:
        print(f"    noticed: {escaped(sentence)}")
    for line in (message["reply"] or message["text"]).splitlines():
        print("    " + escaped(line))


def _print_side(side: dict[str, Any]) -> None:
    print(f"\n--- side conversation {side['id']} ({side['state']}) with {escaped(', '.join(side['people']))}")
    print(f"    {escaped(side['subject'])}; the requester does not see it")
    for message in side["messages"]:
        who = message["author_address"] or message["author"]
        print(f"\n    message {message['id']} {'from' if message['inbound'] else 'by'} {escaped(who)}")
        for line in (message["reply"] or message["text"]).splitlines():
            print("        " + escaped(line))


def _status(text: str) -> Status:
    try:
        return Status(text.replace("-", "_"))
    except ValueError as error:
        raise Trouble(f"{text!r} is no status; there are {', '.join(Status)}", 64) from error


def _say(args: argparse.Namespace, ticket: Ticket, text: str) -> int:
    if args.json:
        output.as_json(asdict(ticket))
    else:
        print(text)
    return 0
