"""Commands on automations: take them from a file, try them on past tickets, switch them on and off, remove them."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from console.cli import show
from console.cli.desk import Trouble, opened
from desk import rules
from desk.rules import BadAutomation
from desk.settings import Settings
from storage import automations
from storage.automations import Kept, WouldDo
from storage.transaction import Session

_MOST_SHOWN = 20
Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]


def words(own: Any, command: Command) -> None:
    """The group's commands."""
    add = command(own, "add", add_from, "take the [[automation]] tables of a TOML file; they are off until tried")
    add.add_argument("file", type=Path)
    command(own, "list", listing, "all automations in their order")
    trial = command(own, "test", test, "what it would change on past tickets; nothing is changed")
    trial.add_argument("name")
    trial.add_argument("--most", type=int, default=automations.TRIED_ON, help="how many of the newest tickets")
    command(own, "on", on, "switch one on that was tried").add_argument("name")
    command(own, "off", off, "switch one off").add_argument("name")
    command(own, "remove", remove, "take one away; histories stay").add_argument("name")


def add_from(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    try:
        given = tomllib.loads(args.file.read_text(encoding="utf-8")).get("automation", [])
        made = [rules.read(one, f"automation {number}") for number, one in enumerate(given, 1)]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, BadAutomation) as error:
        raise Trouble(f"{args.file}: {error}", 64) from error
    if not made:
        raise Trouble(f"{args.file} has no [[automation]] table", 64)
    with opened(settings) as store, store.database.transaction() as session:
        for rule in made:
            automations.put(session, rule, now)
        rows = [_row(_kept(session, rule.name)) for rule in made]
    return _say(args, rows, "\n".join(f"{row['name']}: {row['rule']}" for row in rows))


def listing(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        rows = [_row(kept) for kept in automations.every(session)]
    if args.json:
        show.as_json(rows)
    else:
        show.table(rows, ("name", "active", "tried", "rule"))
    return 0


def test(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        would = automations.tried(session, _kept(session, args.name), now, args.most)
    rows = [_would(one) for one in would]
    if args.json:
        show.as_json({"name": args.name, "would_change": rows})
        return 0
    print(f"would change {len(rows)} of the newest {args.most} tickets")
    if rows:
        show.table(rows[:_MOST_SHOWN], ("ticket", "subject", "changes"))
    return 0


def on(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    return _switch(args, settings, on=True)


def off(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    return _switch(args, settings, on=False)


def remove(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        kept = _kept(session, args.name)
        automations.remove(session, kept)
    return _say(args, _row(kept), f"automation {args.name} is gone")


def _switch(args: argparse.Namespace, settings: Settings, *, on: bool) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        try:
            automations.switch(session, _kept(session, args.name), on=on)
        except BadAutomation as error:
            raise Trouble(f"{error}: `frontdesk automation test {args.name!r}`") from error
        row = _row(_kept(session, args.name))
    return _say(args, row, f"automation {args.name} is {'on' if on else 'off'}; workers know within seconds")


def _kept(session: Session, name: str) -> Kept:
    kept = automations.get(session, name)
    if kept is None:
        raise Trouble(f"there is no automation {name!r}: `frontdesk automation list` shows all")
    return kept


def _row(kept: Kept) -> dict[str, Any]:
    trial = kept.trial if kept.is_tried else {}
    return {"name": kept.rule.name, "active": kept.active, "tried": bool(trial), "rule": rules.words(kept.rule)}


def _would(one: WouldDo) -> dict[str, Any]:
    changes = ", ".join(f"{event.kind} {event.before} → {event.after}".replace("  ", " ") for event in one.changes)
    return {"ticket": one.ticket.id, "subject": one.ticket.subject, "changes": changes}


def _say(args: argparse.Namespace, row: Any, text: str) -> int:
    if args.json:
        show.as_json(row)
    else:
        print(text)
    return 0
