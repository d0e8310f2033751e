"""Commands on tickets: the list, one whole with its reasons, and undo by split and merge."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from console.web import mail_warnings
from desk.config.settings import Settings
from desk.tickets.ticket import DESK, Event, Message, NotAllowed, Status, Ticket
from storage.db.session import Session
from storage.mail import outbound
from storage.people import organisations, people
from storage.people.people import Person
from storage.runtime.logging_setup import escaped
from storage.sla import timers as sla_timers
from storage.tickets import tickets
from usecases.tickets import conversation, side_conversations, undo
from usecases.tickets import links as ticket_links

_COLUMNS = ("id", "status", "priority", "category", "team", "assignee", "requester", "subject")
_PREDICTION = ("category", "probability", "outcome", "reasons", "runners_up", "model_version")
_EVENT = ("id", "at", "kind", "by", "after", "why")
_WEIGHTED = ("reasons", "runners_up")
_ROLES = {"reply": "to", "side": "to", "copy": "cc"}
_LETTER = (
    "id",
    "kind",
    "transport",
    "recipient",
    "state",
    "reason",
    "attempts",
    "external_id",
    "created_at",
    "sent_at",
)


ALL_MESSAGES = 100_000
"""The command line shows a ticket whole; programs read it page by page."""


def ticket_list(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    statuses = [_status(text) for text in args.status or ()]
    with opened(settings) as store, store.database.reading() as session:
        found = tickets.page(session, statuses=statuses, before=args.before, most=args.most)
        rows = _rows(session, found)
    if args.json:
        output.as_json(rows)
    else:
        output.table(rows, _COLUMNS)
    return 0


def ticket_show(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        whole = whole_ticket(session, args.id)
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
            kept = conversation.merge(session, args.id, args.into, DESK, now)
        except NotAllowed as error:
            raise Trouble(str(error)) from error
    return _say(args, kept, f"ticket #{args.id} is part of #{kept.id} now")


def whole_ticket(session: Session, ticket_id: int, *, after: int = 0, most: int | None = None) -> dict[str, Any]:
    """One ticket with its messages, events, deliveries, links, and why it has its category.

    Of many messages a page: at most `most`, behind the one numbered `after`; `next_messages` is where it goes on.
    """
    ticket = tickets.get(session, ticket_id)
    if ticket is None:
        raise Trouble(f"there is no ticket #{ticket_id}")
    (row,), left = _rows(session, [ticket]), outbound.of_ticket(session, ticket_id)
    messages = tickets.messages_of(session, ticket_id, after=after, most=most + 1 if most else ALL_MESSAGES)
    shown = messages[:most]
    return row | {
        **_record(session, ticket),
        "through": _through(messages),
        "messages": [_message(message) for message in shown],
        "next_messages": shown[-1].id if len(messages) > len(shown) else None,
        "side_conversations": side_conversations.whole(session, ticket_id),
        "outbound": [{k: letter[k] for k in _LETTER} for letter in left],
        "deliveries": [_delivery(letter) for letter in left if letter["kind"] in _ROLES],
        "participants": tickets.participants_of(session, [ticket_id])[ticket_id],
        "prediction": tickets.prediction_of(session, ticket_id),
        "clocks": [asdict(one) for one in sla_timers.of_tickets(session, [ticket_id])[ticket_id].values()],
    }


def _through(messages: Sequence[Message]) -> str:
    """The way that the requester's first words took: a form, a list, or nothing where they came straight."""
    first = next((one for one in messages if one.inbound), None)
    return str(first.trust.get("through", "")) if first else ""


def _delivery(letter: dict[str, Any]) -> dict[str, Any]:
    """How far one message is on its way to one person."""
    role, names = _ROLES[letter["kind"]], ("message_id", "state", "reason", "attempts", "sent_at")
    return {"address": letter["recipient"], "role": role} | {name: letter[name] for name in names}


def _record(session: Session, ticket: Ticket) -> dict[str, Any]:
    """Its history with the numbers that `ticket undo` takes, and the tickets that it has to do with."""
    history, possible = tickets.history(session, ticket.id), undo.possible(session, ticket)
    numbers = undo.numbers(session, ticket.id, history)
    links, organisation = ticket_links.links_of(session, ticket.id), ticket.organisation_id or 0
    events = [{"id": n, **_event(one), "undoable": n in possible} for n, one in zip(numbers, history, strict=True)]
    return {
        "events": events,
        "links": [{"ticket": one.other.id, "kind": one.kind, "words": one.words} for one in links],
        "children": [child.id for child in ticket_links.children(session, ticket.id)],
        "organisation": organisations.names(session, [organisation]).get(organisation),
    }


def _rows(session: Session, found: list[Ticket]) -> list[dict[str, Any]]:
    ids = [i for ticket in found for i in (ticket.requester_id, ticket.assignee_id) if i is not None]
    known, teams = people.by_ids(session, ids), {team.id: team.name for team in people.all_teams(session)}
    return [_row(ticket, known, teams) for ticket in found]


def _row(ticket: Ticket, known: dict[int, Person], teams: dict[int, str]) -> dict[str, Any]:
    requester, assignee = known.get(ticket.requester_id), known.get(ticket.assignee_id or 0)
    return asdict(ticket) | {
        "requester": requester.address if requester else "",
        "assignee": assignee.address if assignee else None,
        "team": teams.get(ticket.team_id or 0),
        "undelivered": ticket.undelivered_at is not None,
    }


def _message(message: Message) -> dict[str, Any]:
    author = message.author
    return asdict(message) | {"author": {"kind": str(author.kind), "id": author.id, "name": author.name}}


def _event(event: Event) -> dict[str, Any]:
    actor = event.actor
    row = {"at": event.at, "kind": event.kind, "actor": {"kind": str(actor.kind), "id": actor.id, "name": actor.name}}
    rest = {"before": event.before, "after": event.after, "why": event.why, "message_id": event.message_id}
    return row | rest | {"data": dict(event.data)}


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
    for sentence in [
        *mail_warnings.sentences(message["trust"], message["attachments"]),
        *mail_warnings.others(message["trust"]),
    ]:
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
