"""`frontdesk csat`: how content requesters are."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from console.insight import csat as csat_page
from desk.config.settings import Settings
from storage.runtime.logging_setup import escaped

_COLUMNS = ("name", "asked", "answered", "mean", "median", "satisfied")


def figures(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    if not 1 <= args.days <= 3650:
        raise Trouble("--days should be from 1 to 3650", 64)
    with opened(settings) as store, store.database.reading() as session:
        found = csat_page.figures(session, now, args.days)
    if args.json:
        output.as_json(found)
        return 0
    named = {"all": found["all"], "before": found["before"], **found["teams"], **found["agents"]}
    output.table(
        [{**one, "name": name, "satisfied": _share(one["satisfied"])} for name, one in named.items()], _COLUMNS
    )
    for one in found["answers"]:
        print(f"{one['score']} of 5 for #{one['ticket_id']}  {escaped(' '.join(one['comment'].split()))}".rstrip())
    return 0


def _share(value: Any) -> str:
    return "" if value is None else f"{value:.0%}"
