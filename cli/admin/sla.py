"""Commands on SLA: the policies, why a ticket is due when it is, and recalculating."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from console.web import sla_badges
from desk.config.settings import Settings
from desk.sla.policy import Target
from storage.runtime.logging_setup import escaped
from storage.sla import calendars
from storage.sla import policies as sla_policies
from storage.sla import timers as sla_timers
from storage.tickets import tickets
from usecases.sla import recalculate as sla_review
from usecases.sla.recalculate import Preview

_MOVED = ("id", "priority", "status", "policy", "before", "after", "subject")
_MOST = 50


def words(group: Any, command: Any) -> None:
    """The words of `frontdesk sla`."""
    command(group, "list", sla_list, "the policies in their order, what runs, and how far a recalculation is")
    command(group, "explain", explain, "why a ticket is due when it is, minute by minute").add_argument("id", type=int)
    again = command(group, "recalculate", recalculate, "measure all open tickets anew, in the background")
    again.add_argument("--dry-run", action="store_true", help="only say which tickets would get other due times")


def sla_list(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        names = {row.id: row.name for row in calendars.list_all(session)}
        found = sla_policies.list_all(session)
        rows = [asdict(one) | {"calendar": names.get(one.calendar_id or 0, "")} for one in found]
        counted, told = sla_timers.counts(session, now), sla_review.progress(session)
    if args.json:
        output.as_json({"policies": rows, "clocks": counted, "recalculation": told})
        return 0
    shown = [row | {name: _short(row["targets"].get(name)) for name in map(str, Target)} for row in rows]
    output.table(shown, ("position", "name", "active", *map(str, Target), "calendar", "warn_percent"))
    print(f"\n{counted['running']} clocks run, {counted['late']} of them late; {counted['paused']} stand still")
    if told:
        print(_progress(told))
    return 0


def explain(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        ticket = tickets.get(session, args.id)
        if ticket is None:
            raise Trouble(f"there is no ticket #{args.id}")
        found = sla_badges.badges(session, ticket, now)
    if args.json:
        made = [asdict(one.clock) | {"policy": one.policy, "state_word": one.word, "lines": one.lines} for one in found]
        output.as_json({"id": ticket.id, "priority": ticket.priority, "due_at": ticket.due_at, "clocks": made})
        return 0
    print(escaped(f"#{ticket.id} {ticket.subject}, {ticket.status}, priority {ticket.priority}"))
    for one in found:
        print("\n" + "\n".join(escaped(line) for line in one.lines))
    if not found:
        print("it has no clocks: no policy fits it")
    return 0


def recalculate(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    if args.dry_run:
        with opened(settings) as store, store.database.reading() as session:
            seen = sla_review.preview(session, sla_policies.active_policies(session), now)
        return _say(args, seen, "by the policies and calendars as they are")
    with opened(settings) as store, store.database.transaction() as session:
        sla_review.request_recalculation(session, now, "asked by command")
        told = sla_review.progress(session)
    if args.json:
        output.as_json(told)
    else:
        print(f"{told['total'] if told else 0} open tickets; the running desk measures them in the background")
        print("`frontdesk sla list` shows how far it is")
    return 0


def _say(args: argparse.Namespace, seen: Preview, first: str) -> int:
    if args.json:
        output.as_json({"said": first, **asdict(seen), "late": seen.late})
        return 0
    print(first)
    print(f"{len(seen.moved)} of {seen.looked} open tickets get other due times; {seen.late} would be late at once")
    if seen.moved:
        output.table([asdict(one) for one in seen.moved[:_MOST]], _MOVED)
    if len(seen.moved) > _MOST:
        print(f"… and {len(seen.moved) - _MOST} more (--json lists all)")
    return 0


def _progress(told: dict[str, Any]) -> str:
    done = max(told["done"] - told["waiting"], 0)
    over = told["finished_at"] and not told["waiting"]
    state = "done" if over else f"{done} of {told['total']} tickets"
    return f"recalculation ({told['why']}, {told['at'][:16]} UTC): {state}"


def _short(target: Any) -> str:
    if isinstance(target, dict):
        return ", ".join(f"{name} {value}" for name, value in target.items())
    return str(target or "-")
