"""The commands that make a desk what a file says, and write the file that says what a desk is.

In: desk.toml, or the name of a starter set. Out: the steps in words or JSON. A dry run does all of it and rolls back.
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import asdict
from pathlib import Path

import click

import desk
from cli import output
from cli.command import DRY_RUN, Call, DeskCommand
from cli.trouble import Trouble
from desk.config.desk_toml import BadConfiguration, State, read, to_toml
from usecases.config import apply as configuration
from usecases.config import export as configuration_export

STARTERS = Path(desk.__file__).parent / "config" / "starters"


def starters() -> list[str]:
    return sorted(path.stem for path in STARTERS.glob("*.toml"))


@click.command(cls=DeskCommand)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--starter", type=click.Choice(starters()), help="A starter set instead of a file.")
@DRY_RUN
@click.option("--prune", is_flag=True, help="Also remove what the file does not name, kind by kind.")
def apply(call: Call, file: Path | None, starter: str | None, dry_run: bool, prune: bool) -> None:
    """Make the desk what a file says: teams, rules, clocks, macros, fields…

    FILE is desk.toml; - reads it from the standard input. It is one transaction; a second time there is nothing to do.
    """
    wanted = _read(file, starter)
    try:
        with call.writing(dry_run=dry_run) as session:
            steps = configuration.apply(session, wanted, call.now, prune=prune)
            warnings = configuration.warnings(session)
    except BadConfiguration as error:
        raise Trouble(f"nothing was changed: {error}", 64) from error
    lines = [f"{'would be ' * dry_run}{step.words()}" for step in steps]
    lines += [f"{len(steps)} {'changes' if len(steps) != 1 else 'change'}{', nothing was written' * dry_run}"]
    rows = [asdict(step) for step in steps]
    call.answer({"dry_run": dry_run, "steps": rows, "warnings": warnings}, "\n".join(lines))
    for warning in warnings if not call.as_json else ():
        print(f"warning: {warning}", file=sys.stderr)


@click.command("export-config", cls=DeskCommand)
def export_configuration(call: Call) -> None:
    """Write the file that makes another desk work like this one."""
    with call.reading() as session:
        state = configuration_export.current_configuration(session)
    if call.as_json:
        output.as_json(state)
    else:
        print(to_toml(state), end="")


def _read(file: Path | None, starter: str | None) -> State:
    if bool(file) == bool(starter):
        raise Trouble(f"name a file, or a starter set with --starter: {', '.join(starters())}", 64)
    try:
        return read(tomllib.loads(_text(file or STARTERS / f"{starter}.toml")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, BadConfiguration) as error:
        raise Trouble(f"{starter or file}: {error}", 64) from error


def _text(path: Path) -> str:
    return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
