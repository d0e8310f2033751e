"""Commands on automations: take them from a file, try them on past tickets, switch them on and off, remove them."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from cli import output
from cli.admin.dry_run_commands import Commands
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from desk.rules import automations as rules_automations
from desk.rules.automations import BadAutomation
from usecases.rules import automations
from usecases.rules.automations import PlannedChanges, StoredAutomation

_MOST_SHOWN = 20
Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]


def words(own: Any, command: Command) -> None:
    """The group's commands."""
    add = command(own, "add", add_from, "take the [[automation]] tables of a TOML file; they are off until tried")
    add.add_argument("file", type=Path)
    command(own, "list", COMMANDS.listing, "all automations in their order")
    trial = command(own, "test", test, "what it would change on past tickets; nothing is changed")
    trial.add_argument("name")
    trial.add_argument("--most", type=int, default=automations.TRIED_ON, help="how many of the newest tickets")
    command(own, "on", COMMANDS.on, "switch one on that was tried").add_argument("name")
    command(own, "off", COMMANDS.off, "switch one off").add_argument("name")
    command(own, "remove", COMMANDS.remove, "take one away; histories stay").add_argument("name")


def add_from(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    try:
        given = tomllib.loads(args.file.read_text(encoding="utf-8")).get("automation", [])
        made = [rules_automations.read(one, f"automation {number}") for number, one in enumerate(given, 1)]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, BadAutomation) as error:
        raise Trouble(f"{args.file}: {error}", 64) from error
    if not made:
        raise Trouble(f"{args.file} has no [[automation]] table", 64)
    with opened(settings) as store, store.database.transaction() as session:
        for rule in made:
            automations.save(session, rule, now)
        rows = [_row(COMMANDS.kept(session, rule.name)) for rule in made]
    return output.said(args, rows, "\n".join(f"{row['name']}: {row['rule']}" for row in rows))


def test(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        would = automations.try_automation(session, COMMANDS.kept(session, args.name), now, args.most)
    rows = [_would(one) for one in would]
    if args.json:
        output.as_json({"name": args.name, "would_change": rows})
        return 0
    print(f"would change {len(rows)} of the newest {args.most} tickets")
    if rows:
        output.table(rows[:_MOST_SHOWN], ("ticket", "subject", "changes"))
    return 0


def _row(kept: StoredAutomation) -> dict[str, Any]:
    trial = kept.trial if kept.is_tried else {}
    return {
        "name": kept.rule.name,
        "active": kept.active,
        "tried": bool(trial),
        "rule": rules_automations.words(kept.rule),
    }


def _would(one: PlannedChanges) -> dict[str, Any]:
    changes = ", ".join(f"{event.kind} {event.before} → {event.after}".replace("  ", " ") for event in one.changes)
    return {"ticket": one.ticket.id, "subject": one.ticket.subject, "changes": changes}


COMMANDS = Commands("automation", automations, _row, ("name", "active", "tried", "rule"), BadAutomation)
