"""Commands that change tickets: undo, many at once, sleep, custom fields, links, family, copies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

import click

from cli.command import TICKET, Call, refusals
from cli.tickets.tickets import ticket_group
from cli.trouble import Trouble
from console.tickets.properties import QUICK, until_when
from console.web import rendering
from desk.tickets import properties
from desk.tickets.ticket import DESK, Event, NotAllowed, Ticket
from storage.db.session import Session
from storage.tickets import tickets
from usecases.rules import bulk
from usecases.rules.bulk import BulkOutcome, BulkRequest
from usecases.rules.run_actions import ActionContext
from usecases.tickets import cc, custom_fields
from usecases.tickets import links as ticket_links
from usecases.tickets import undo as undo_steps

BY = "by command"
_PLANNED = click.option("--dry-run", is_flag=True, help="Only say what would change.")


@ticket_group.command()
@TICKET
@click.argument("event", type=int, required=False)
@click.option("--dry-run", is_flag=True, help="Only say what would be taken back.")
def undo(call: Call, ticket: int, event: int | None, dry_run: bool) -> None:
    """Take back a step of its history; without EVENT the newest.

    EVENT is its number, as `frontdesk ticket show` tells it.
    """
    if dry_run:
        return _would_undo(call, ticket, event)
    with call.writing() as session:
        before = len(tickets.numbered_history(session, ticket))
        saved = undo_steps.undo(session, ticket, event, DESK, call.now)
        events = [step for _, step in tickets.numbered_history(session, ticket)[before:]]
    lines = [f"#{ticket}: {rendering.event_sentence(step)} ({step.why})" for step in events]
    return call.answer(asdict(saved), "\n".join(lines))


def _would_undo(call: Call, ticket: int, event: int | None) -> None:
    """The steps that can be undone now, or whether the named one can."""
    with call.reading() as session:
        possible = set(undo_steps.undoable_numbers(session, _present(tickets.get(session, ticket), ticket)))
        rows = [_step(n, step) for n, step in tickets.numbered_history(session, ticket) if n in possible]
    if event is not None and event not in possible:
        raise Trouble(f"event {event} cannot be undone now")
    call.rows([row for row in rows if event in (None, row["id"])], ("id", "at", "by", "what"))


def _step(number: int, event: Event) -> dict[str, Any]:
    return {"id": number, "at": event.at, "by": event.actor.name, "what": rendering.event_sentence(event)}


@ticket_group.command("set")
@click.argument("numbers", metavar="TICKET...", type=int, nargs=-1, required=True)
@click.option("--assign", help="An agent's address or name, or nobody.")
@click.option("--team")
@click.option("--status")
@click.option("--priority")
@click.option("--category")
@click.option("--tag", multiple=True)
@click.option("--untag", multiple=True)
@click.option("--requester", metavar="ADDRESS", default="", help="Whose it is from now on; answers go there.")
@click.option("--into", type=int, metavar="NUMBER", help="Merge them all into this ticket.")
@_PLANNED
def set_many(
    call: Call, numbers: tuple[int, ...], requester: str, into: int | None, dry_run: bool, **properties: Any
) -> int:
    """Change tickets: each by itself, and those that cannot be are said."""
    doing, wanted = ActionContext(DESK, call.now, BY), dict.fromkeys(numbers)
    with call.store() as store, refusals(64):
        wish = _wish(properties, requester, into)
        if dry_run:
            with store.database.reading() as session:
                outcomes = bulk.preview(session, wanted, wish, doing)
        else:
            outcomes = bulk.run_bulk(store.database.transaction, wanted, wish, doing)
    call.rows([_outcome(one, dry=dry_run) for one in outcomes], ("ticket", "subject", "result"))
    return 1 if any(one.refused for one in outcomes) else 0


def _wish(properties: Mapping[str, Any], requester: str, into: int | None) -> BulkRequest:
    if into is not None:
        return BulkRequest(into=into)
    names = ("team", "assign", "priority", "category", "tag", "untag", "status")
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in properties.items()}
    actions = bulk.actions_of([{name: values[name]} for name in names if values[name]])
    if not actions and not requester:
        raise NotAllowed(
            "nothing was asked for: --assign, --team, --status, --priority, --category, --tag, --untag, --requester, "
            "--into"
        )
    return BulkRequest(actions, requester=requester)


def _outcome(one: BulkOutcome, *, dry: bool) -> dict[str, Any]:
    words = "; ".join(map(rendering.event_sentence, one.events)) or "it is so already"
    result = f"not done: {one.refused}" if one.refused else f"would have {words}" if dry and one.events else words
    events = [{"kind": event.kind, "before": event.before, "after": event.after} for event in one.events]
    return {"ticket": one.ticket, "subject": one.subject, "result": result, "refused": one.refused, "events": events}


@ticket_group.command()
@TICKET
@click.argument("until")
def snooze(call: Call, ticket: int, until: str) -> None:
    def change(session: Session, row: Ticket) -> Ticket:
        choice, date = (until, "") if until in QUICK else ("", until)
        moment = until_when(choice, date, call.now, ZoneInfo(call.settings.time_zone))
        return tickets.save(session, properties.snooze(row, moment, DESK, call.now, BY))

    _change(call, ticket, change, "sleeps now")


snooze.help = snooze.short_help = "Put a ticket aside until then, or until the requester writes."
snooze.epilog = f"UNTIL is {', '.join(QUICK)}, or a date or moment such as 2026-11-30."


@ticket_group.command()
@TICKET
def wake(call: Call, ticket: int) -> None:
    """Bring a snoozed ticket back."""
    _change(call, ticket, lambda s, row: tickets.save(s, properties.wake(row, DESK, call.now, BY)), "is awake")


@ticket_group.command()
@TICKET
@click.argument("name")
@click.argument("value")
def field(call: Call, ticket: int, name: str, value: str) -> None:
    """Say what a custom field holds; an empty VALUE takes it away."""

    def change(session: Session, row: Ticket) -> Ticket:
        return tickets.save(session, custom_fields.fill_field(session, row, name, value, DESK, call.now))

    _change(call, ticket, change, "has it")


@ticket_group.command()
@TICKET
@click.argument("kind", type=click.Choice(ticket_links.KINDS))
@click.argument("other", type=int)
def link(call: Call, ticket: int, kind: str, other: int) -> None:
    """Link two tickets."""
    _change(call, ticket, lambda s, row: ticket_links.link(s, row.id, other, kind, DESK, call.now), "is linked")


@ticket_group.command()
@TICKET
@click.argument("kind", type=click.Choice(ticket_links.KINDS))
@click.argument("other", type=int)
def unlink(call: Call, ticket: int, kind: str, other: int) -> None:
    """Take a link away."""
    _change(call, ticket, lambda s, row: ticket_links.unlink(s, row.id, other, kind, DESK, call.now), "is not linked")


@ticket_group.command()
@TICKET
@click.argument("parent", type=int, required=False)
def parent(call: Call, ticket: int, parent: int | None) -> None:
    """Make it a child of another ticket; without PARENT: of none."""
    _change(call, ticket, lambda s, row: ticket_links.set_parent(s, row.id, parent, DESK, call.now), "has its parent")


@ticket_group.command()
@TICKET
def resolve_children(call: Call, ticket: int) -> None:
    """Resolve what is still open below it."""

    def change(session: Session, row: Ticket) -> Ticket:
        ticket_links.resolve_children(session, row, DESK, call.now)
        return row

    _change(call, ticket, change, "has no open children")


@ticket_group.command()
@TICKET
@click.argument("address")
@click.option("--off", is_flag=True, help="No longer.")
def copy(call: Call, ticket: int, address: str, off: bool) -> None:
    """Who gets copies of its replies."""
    change = cc.remove if off else cc.add
    _change(call, ticket, lambda s, row: change(s, row, address, DESK, call.now), "has its copies")


def _change(call: Call, ticket: int, change: Callable[[Session, Ticket], Ticket], done: str) -> None:
    with call.writing() as session:
        saved = change(session, _present(tickets.get(session, ticket, lock=True), ticket))
    call.answer(asdict(saved), f"ticket #{saved.id} {done}")


def _present(ticket: Ticket | None, number: int) -> Ticket:
    if ticket is None:
        raise Trouble(f"there is no ticket #{number}")
    return ticket
