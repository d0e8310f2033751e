"""The commands that make a desk what a file says, and write the file that says what a desk is.

In: desk.toml, or the name of a starter set. Out: the steps in words or JSON. A dry run does all of it and rolls back.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import desk
from cli import output
from cli.open_desk import Trouble, opened
from desk.config.desk_toml import BadConfiguration, State, Step, read, to_toml
from desk.config.settings import Settings
from usecases.config import apply as configuration
from usecases.config import export as configuration_export

STARTERS = Path(desk.__file__).parent / "config" / "starters"
Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]


class _RollBack(Exception):
    """The end of a dry run."""


def words(own: Any, command: Command) -> None:
    """The two commands."""
    change = command(own, "apply", apply, "make the desk what a file says: teams, rules, clocks, macros, fields…")
    change.add_argument("file", type=Path, nargs="?", help="desk.toml; - reads it from the standard input")
    change.add_argument("--starter", choices=starters(), help="a starter set instead of a file")
    change.add_argument("--dry-run", action="store_true", help="only say what would change")
    change.add_argument("--prune", action="store_true", help="also remove what the file does not name, kind by kind")
    command(own, "export-config", export, "write the file that makes another desk work like this one")


def starters() -> list[str]:
    return sorted(path.stem for path in STARTERS.glob("*.toml"))


def apply(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    """One transaction; a second time there is nothing to do."""
    wanted = _read(args)
    taken: list[Step] = []
    warnings: list[str] = []
    with opened(settings) as store:
        try:
            with store.database.transaction() as session:
                taken = configuration.apply(session, wanted, now, prune=args.prune)
                warnings = configuration.warnings(session)
                if args.dry_run:
                    raise _RollBack
        except _RollBack:
            pass
        except BadConfiguration as error:
            raise Trouble(f"nothing was changed: {error}", 64) from error
    return _said(args, taken, warnings)


def export(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        state = configuration_export.current_configuration(session)
    if args.json:
        output.as_json(state)
    else:
        print(to_toml(state), end="")
    return 0


def _read(args: argparse.Namespace) -> State:
    if bool(args.file) == bool(args.starter):
        raise Trouble(f"name a file, or a starter set with --starter: {', '.join(starters())}", 64)
    try:
        text = _text(STARTERS / f"{args.starter}.toml" if args.starter else args.file)
        return read(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, BadConfiguration) as error:
        raise Trouble(f"{args.starter or args.file}: {error}", 64) from error


def _text(path: Path) -> str:
    return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")


def _said(args: argparse.Namespace, taken: Sequence[Step], warnings: Sequence[str]) -> int:
    if args.json:
        steps = [asdict(step) for step in taken]
        output.as_json({"dry_run": args.dry_run, "steps": steps, "warnings": list(warnings)})
        return 0
    would = "would be " if args.dry_run else ""
    for step in taken:
        print(f"{would}{step.words()}")
    print(f"{len(taken)} {'changes' if len(taken) != 1 else 'change'}{', nothing was written' * args.dry_run}")
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return 0
