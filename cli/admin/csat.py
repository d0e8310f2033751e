"""`frontdesk csat`: how content requesters are."""

from __future__ import annotations

from typing import Any

import click

from cli import output
from cli.command import Call, DeskGroup
from console.insight import csat as csat_page
from storage.runtime.logging_setup import escaped

_COLUMNS = ("name", "asked", "answered", "mean", "median", "satisfied")

csat_group = DeskGroup("csat", help="How content requesters are.")


@csat_group.command()
@click.option("--days", type=click.IntRange(1, 3650), default=30, help="So many days back.")
def show(call: Call, days: int) -> None:
    """What they answered, by team and agent."""
    with call.reading() as session:
        figures = csat_page.figures(session, call.now, days)
    if call.as_json:
        return output.as_json(figures)
    named = {"all": figures["all"], "before": figures["before"], **figures["teams"], **figures["agents"]}
    rows = [{**row, "name": name, "satisfied": _share(row["satisfied"])} for name, row in named.items()]
    output.table(rows, _COLUMNS)
    for row in figures["answers"]:
        print(f"{row['score']} of 5 for #{row['ticket_id']}  {escaped(' '.join(row['comment'].split()))}".rstrip())
    return None


def _share(value: Any) -> str:
    return "" if value is None else f"{value:.0%}"
