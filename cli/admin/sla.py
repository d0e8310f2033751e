"""Commands on SLA: the policies, why a ticket is due when it is, and recalculating."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cli import output
from cli.command import DRY_RUN, TICKET, Call, DeskGroup
from cli.trouble import Trouble
from console.web import sla_badges
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

sla_group = DeskGroup("sla", help="What is due when, and why.")


@sla_group.command("list")
def list_policies(call: Call) -> None:
    """The policies in their order, what runs, and how far a recalculation is."""
    with call.reading() as session:
        names = {row.id: row.name for row in calendars.list_all(session)}
        policies = sla_policies.list_all(session)
        rows = [asdict(policy) | {"calendar": names.get(policy.calendar_id or 0, "")} for policy in policies]
        counted, progress = sla_timers.counts(session, call.now), sla_review.progress(session)
    if call.as_json:
        return output.as_json({"policies": rows, "clocks": counted, "recalculation": progress})
    shown = [row | {name: _short(row["targets"].get(name)) for name in map(str, Target)} for row in rows]
    output.table(shown, ("position", "name", "active", *map(str, Target), "calendar", "warn_percent"))
    print(f"\n{counted['running']} clocks run, {counted['late']} of them late; {counted['paused']} stand still")
    if progress:
        print(_progress(progress))
    return None


@sla_group.command()
@TICKET
def explain(call: Call, ticket: int) -> None:
    """Why a ticket is due when it is, minute by minute."""
    with call.reading() as session:
        row = tickets.get(session, ticket)
        if row is None:
            raise Trouble(f"there is no ticket #{ticket}")
        badges = sla_badges.badges(session, row, call.now)
    if call.as_json:
        clocks = [asdict(b.clock) | {"policy": b.policy, "state_word": b.word, "lines": b.lines} for b in badges]
        return output.as_json({"id": row.id, "priority": row.priority, "due_at": row.due_at, "clocks": clocks})
    print(escaped(f"#{row.id} {row.subject}, {row.status}, priority {row.priority}"))
    for badge in badges:
        print("\n" + "\n".join(escaped(line) for line in badge.lines))
    if not badges:
        print("it has no clocks: no policy fits it")
    return None


@sla_group.command()
@DRY_RUN
def recalculate(call: Call, dry_run: bool) -> None:
    """Measure all open tickets anew, in the background; with --dry-run: which would get other due times."""
    if dry_run:
        with call.reading() as session:
            preview = sla_review.preview(session, sla_policies.active_policies(session), call.now)
        return _show(call, preview)
    with call.writing() as session:
        sla_review.request_recalculation(session, call.now, "asked by command")
        progress = sla_review.progress(session)
    count = progress["total"] if progress else 0
    text = f"{count} open tickets; the running desk measures them in the background"
    return call.answer(progress, f"{text}\n`frontdesk sla list` shows how far it is")


def _show(call: Call, preview: Preview) -> None:
    if call.as_json:
        return output.as_json({**asdict(preview), "late": preview.late})
    count = f"{len(preview.moved)} of {preview.looked}"
    print(f"{count} open tickets get other due times; {preview.late} would be late at once")
    if preview.moved:
        output.table([asdict(row) for row in preview.moved[:_MOST]], _MOVED)
    if len(preview.moved) > _MOST:
        print(f"… and {len(preview.moved) - _MOST} more (--json lists all)")
    return None


def _progress(progress: Mapping[str, Any]) -> str:
    done = max(progress["done"] - progress["waiting"], 0)
    over = progress["finished_at"] and not progress["waiting"]
    state = "done" if over else f"{done} of {progress['total']} tickets"
    return f"recalculation ({progress['why']}, {progress['at'][:16]} UTC): {state}"


def _short(target: Any) -> str:
    if isinstance(target, dict):
        return ", ".join(f"{name} {value}" for name, value in target.items())
    return str(target or "-")
