"""Commands on tickets: the list, one whole with its reasons, and undo by split and merge."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from cli import output
from cli.command import TICKET, Call, DeskGroup, most
from cli.trouble import Trouble
from console.web import mail_warnings
from desk.mail.trust import MessageTrust
from desk.tickets.ticket import DESK, Status
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


_MORE = ("cli.tickets.properties", "cli.tickets.replies", "cli.tickets.side_conversations")

ticket_group = DeskGroup("ticket", help="The tickets.", more=_MORE)


@ticket_group.command("list")
@click.option("--search", metavar="TEXT", default="", help="Only those with these words.")
@click.option("--status", "statuses", multiple=True, help="Only those; also several times.")
@click.option("--before", type=int, metavar="NUMBER", help="Go on before this ticket.")
@most(50)
def list_tickets(call: Call, search: str, statuses: tuple[str, ...], before: int | None, most: int) -> None:
    """The newest tickets."""
    wanted = TicketFilter(tuple(map(_status, statuses)), words=search)
    with call.reading() as session:
        ids = listings.ticket_ids(session, wanted, before=before, most=most)
        rows = ticket_rows(session, list(reversed(tickets.get_many(session, ids).values())))
    call.rows(rows, _COLUMNS)


@ticket_group.command()
@TICKET
def show(call: Call, ticket: int) -> None:
    """A ticket with its history and reasons."""
    with call.reading() as session:
        whole = whole_ticket(session, ticket)
    if whole is None:
        raise Trouble(f"there is no ticket #{ticket}")
    if call.as_json:
        output.as_json(whole)
    else:
        _print_ticket(whole)


@ticket_group.command()
@click.argument("message", type=int)
def split(call: Call, message: int) -> None:
    """Make a message a ticket."""
    with call.writing() as session:
        ticket = conversation.split(session, message, DESK, call.now)
    call.answer(asdict(ticket), f"message {message} is ticket #{ticket.id} now")


@ticket_group.command()
@TICKET
@click.argument("into", type=int)
def merge(call: Call, ticket: int, into: int) -> None:
    """Make a ticket part of another."""
    with call.writing() as session:
        kept = merging.merge(session, MergeRequest(ticket, into, DESK, call.now))
    call.answer(asdict(kept), f"ticket #{ticket} is part of #{kept.id} now")


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
