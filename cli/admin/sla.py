"""Commands on SLA: the policies, why a ticket is due when it is, what a change would move, and recalculating."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from console.web import sla_badges
from desk.config.settings import Settings
from desk.rules.actions import BadAction
from desk.rules.conditions import BadCondition
from desk.sla.policy import BadPolicy, Target
from storage.db.session import Session
from storage.runtime.logging_setup import escaped
from storage.sla import calendars
from storage.sla import policies as sla_policies
from storage.sla import timers as sla_timers
from storage.sla.policies import PolicyRow
from storage.tickets import tickets
from usecases.sla import recalculate as sla_review
from usecases.sla.recalculate import Preview

_MOVED = ("id", "priority", "status", "policy", "before", "after", "subject")
_MOST = 50


def words(group: Any, command: Any) -> None:
    """The words of `frontdesk sla`."""
    command(group, "list", sla_list, "the policies in their order, what runs, and how far a recalculation is")
    command(group, "explain", explain, "why a ticket is due when it is, minute by minute").add_argument("id", type=int)
    add = command(group, "add", policy_add, "a new policy, or another one under a name that there is")
    add.add_argument("name")
    for target in Target:
        text = "minutes or hours of business time: 240, 4h, or urgent=30,high=1h"
        add.add_argument(f"--{target.replace('_', '-')}", metavar="TIME", help=text)
    add.add_argument(
        "--pause", action="append", choices=[*map(str, Target), "none"], help="what pending and on hold stop"
    )
    add.add_argument("--calendar", default="", metavar="NAME", help="without one every hour counts")
    add.add_argument(
        "--if", dest="conditions", default="[]", metavar="JSON", help="conditions; without any: all tickets"
    )
    add.add_argument(
        "--escalations", default="[]", metavar="JSON", help='[{"at": 100, "actions": [{"notify": "lead"}]}]'
    )
    add.add_argument("--warn", type=int, default=80, metavar="PERCENT")
    add.add_argument("--position", type=int, default=0, metavar="NUMBER", help="lower ones are asked first")
    add.add_argument("--off", action="store_true", help="keep it, but do not use it")
    gone = command(group, "remove", policy_remove, "a policy")
    gone.add_argument("name")
    command(group, "preview", preview, "which open tickets would get other due times by a recalculation")
    again = command(group, "recalculate", recalculate, "measure all open tickets anew, in the background")
    for one in (add, gone, again):
        one.add_argument("--dry-run", action="store_true", help="only say which tickets would get other due times")


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


def policy_add(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    try:
        with opened(settings) as store:
            # Looking at all open tickets takes a while, and whoever writes keeps others waiting.
            with store.database.reading() as session:
                rows = sla_policies.list_all(session)
                row = _row(args, session, rows)
                policies = sla_policies.to_policies(
                    session, [*(one for one in rows if one.id != row.id or not row.id), row]
                )
                seen = sla_review.preview(session, policies, now)
            if not args.dry_run:
                with store.database.transaction() as session:
                    sla_policies.save(session, row)
                    sla_review.request_recalculation(session, now, f"policy {row.name} changed")
    except (BadPolicy, BadCondition, BadAction) as error:
        raise Trouble(str(error), 65) from error
    return _say(args, seen, f"policy {row.name} {'is right' if args.dry_run else 'holds from now on'}")


def policy_remove(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store:
        with store.database.reading() as session:
            row = sla_policies.get_by_name(session, args.name)
            if row is None:
                raise Trouble(f"there is no policy {args.name!r}")
            left = [one for one in sla_policies.list_all(session) if one.id != row.id]
            seen = sla_review.preview(session, sla_policies.to_policies(session, left), now)
        if not args.dry_run:
            with store.database.transaction() as session:
                sla_policies.remove(session, row.id)
                sla_review.request_recalculation(session, now, f"policy {row.name} is gone")
    return _say(args, seen, f"policy {row.name} {'would be' if args.dry_run else 'is'} gone")


def preview(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        seen = sla_review.preview(session, sla_policies.active_policies(session), now)
    return _say(args, seen, "by the policies and calendars as they are")


def recalculate(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    if args.dry_run:
        return preview(args, settings, now)
    with opened(settings) as store, store.database.transaction() as session:
        sla_review.request_recalculation(session, now, "asked by command")
        told = sla_review.progress(session)
    if args.json:
        output.as_json(told)
    else:
        print(f"{told['total'] if told else 0} open tickets; the running desk measures them in the background")
        print("`frontdesk sla list` shows how far it is")
    return 0


def _row(args: argparse.Namespace, session: Session, rows: list[PolicyRow]) -> PolicyRow:
    targets = {str(t): _target(given) for t in Target if (given := getattr(args, t))}
    if args.pause:
        targets["pause"] = [one for one in args.pause if one != "none"]
    calendar = calendars.get_by_name(session, args.calendar) if args.calendar else None
    if args.calendar and calendar is None:
        raise Trouble(f"there is no calendar {args.calendar!r}; `frontdesk calendar add` makes one")
    row = PolicyRow(
        name=args.name,
        targets=targets,
        conditions=_json(args.conditions, "--if"),
        escalations=_json(args.escalations, "--escalations"),
        calendar_id=calendar.id if calendar else None,
        warn_percent=args.warn,
        position=args.position,
        active=not args.off,
    )
    known = next((one for one in rows if one.name.lower() == args.name.strip().lower()), None)
    return replace(row, id=known.id) if known else row


def _target(text: str) -> Any:
    """ "4h", or "urgent=30,high=1h"."""
    parts = [part.partition("=") for part in text.split(",")]
    return {name.strip(): value for name, _, value in parts} if parts[0][1] else text


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Trouble(f"{name} is no JSON: {error}", 65) from error


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
