"""Commands that change tickets: undo, many at once, sleep, custom fields, links, family, copies."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cli import output
from cli.open_desk import Trouble, opened
from console.tickets.properties import QUICK, until_when
from console.web import rendering
from desk.config.settings import Settings
from desk.tickets import properties
from desk.tickets.ticket import DESK, Event, NotAllowed, Ticket
from storage.db.session import Session
from storage.tickets import tickets
from usecases.rules import bulk
from usecases.rules.bulk import BulkOutcome, BulkRequest
from usecases.rules.run_actions import ActionContext
from usecases.tickets import cc, custom_fields, undo
from usecases.tickets import links as ticket_links

BY = "by command"


def undo_one(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store:
        if args.dry_run:
            with store.database.reading() as session:
                _held(tickets.get(session, args.id), args.id)
                return _would_undo(args, session)
        try:
            with store.database.transaction() as session:
                before = len(tickets.numbered_history(session, args.id))
                ticket = undo.undo(session, args.id, args.event, DESK, now)
                told = [event for _, event in tickets.numbered_history(session, args.id)[before:]]
        except NotAllowed as error:
            raise Trouble(str(error)) from error
    return _say(
        args, ticket, "\n".join(f"#{args.id}: {rendering.event_sentence(event)} ({event.why})" for event in told)
    )


def _would_undo(args: argparse.Namespace, session: Session) -> int:
    """The steps that can be undone now, or whether the named one can."""
    ticket = _held(tickets.get(session, args.id), args.id)
    possible = set(undo.undoable_numbers(session, ticket))
    rows = [_step(n, event) for n, event in tickets.numbered_history(session, args.id) if n in possible]
    if args.event is not None and args.event not in possible:
        raise Trouble(f"event {args.event} cannot be undone now")
    rows = [row for row in rows if args.event in (None, row["id"])]
    if args.json:
        output.as_json(rows)
    else:
        output.table(rows, ("id", "at", "by", "what"))
    return 0


def _step(number: int, event: Event) -> dict[str, Any]:
    return {"id": number, "at": event.at, "by": event.actor.name, "what": rendering.event_sentence(event)}


def set_many(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    doing, seen = ActionContext(DESK, now, BY), dict.fromkeys(args.id)
    with opened(settings) as store:
        try:
            wish = _wish(args)
            if args.dry_run:
                with store.database.reading() as session:
                    outcomes = bulk.preview(session, seen, wish, doing)
            else:
                outcomes = bulk.run_bulk(store.database.transaction, seen, wish, doing)
        except NotAllowed as error:
            raise Trouble(str(error), 64) from error
    rows = [_outcome(one, dry=args.dry_run) for one in outcomes]
    if args.json:
        output.as_json(rows)
    else:
        output.table(rows, ("ticket", "subject", "result"))
    return 1 if any(one.refused for one in outcomes) else 0


def _wish(args: argparse.Namespace) -> BulkRequest:
    if args.into is not None:
        return BulkRequest(into=args.into)
    names = ("team", "assign", "priority", "category", "tag", "untag", "status")
    actions = bulk.actions_of([{name: getattr(args, name)} for name in names if getattr(args, name)])
    if not actions and not args.requester:
        raise NotAllowed(
            "nothing was asked for: --assign, --team, --status, --priority, --category, --tag, --untag, --requester, "
            "--into"
        )
    return BulkRequest(actions, requester=args.requester or "")


def _outcome(one: BulkOutcome, *, dry: bool) -> dict[str, Any]:
    said = "; ".join(map(rendering.event_sentence, one.events)) or "it is so already"
    result = f"not done: {one.refused}" if one.refused else f"would have {said}" if dry and one.events else said
    events = [{"kind": event.kind, "before": event.before, "after": event.after} for event in one.events]
    return {"ticket": one.ticket, "subject": one.subject, "result": result, "refused": one.refused, "events": events}


def snooze(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    def change(session: Session, ticket: Ticket) -> Ticket:
        choice, date = (args.until, "") if args.until in QUICK else ("", args.until)
        until = until_when(choice, date, now, ZoneInfo(settings.time_zone))
        return tickets.save(session, properties.snooze(ticket, until, DESK, now, BY))

    return _on(args, settings, change, "sleeps now")


def wake(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    return _on(args, settings, lambda s, t: tickets.save(s, properties.wake(t, DESK, now, BY)), "is awake")


def set_field(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    def change(session: Session, ticket: Ticket) -> Ticket:
        return tickets.save(session, custom_fields.fill_field(session, ticket, args.name, args.value, DESK, now))

    return _on(args, settings, change, "has it")


def link(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    return _on(args, settings, lambda s, t: ticket_links.link(s, t.id, args.other, args.kind, DESK, now), "is linked")


def unlink(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    return _on(
        args, settings, lambda s, t: ticket_links.unlink(s, t.id, args.other, args.kind, DESK, now), "is not linked"
    )


def parent(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    return _on(args, settings, lambda s, t: ticket_links.set_parent(s, t.id, args.parent, DESK, now), "has its parent")


def resolve_children(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    def change(session: Session, ticket: Ticket) -> Ticket:
        ticket_links.resolve_children(session, ticket, DESK, now)
        return ticket

    return _on(args, settings, change, "has no open children")


def copy(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    change = cc.remove if args.off else cc.add
    return _on(args, settings, lambda s, t: change(s, t, args.address, DESK, now), "has its copies")


def _on(args: argparse.Namespace, settings: Settings, change: Callable[[Session, Ticket], Ticket], said: str) -> int:
    with opened(settings) as store:
        try:
            with store.database.transaction() as session:
                ticket = change(session, _held(tickets.get(session, args.id, lock=True), args.id))
        except NotAllowed as error:
            raise Trouble(str(error)) from error
    return _say(args, ticket, f"ticket #{ticket.id} {said}")


def _held(ticket: Ticket | None, number: int) -> Ticket:
    if ticket is None:
        raise Trouble(f"there is no ticket #{number}")
    return ticket


def _say(args: argparse.Namespace, ticket: Ticket, text: str) -> int:
    if args.json:
        output.as_json(asdict(ticket))
    else:
        print(text)
    return 0
