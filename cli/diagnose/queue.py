"""Commands on the queue: the jobs that it gave up, rung again or thrown away.

In: the running desk's queue. Out: a table or JSON. A dry run only counts.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, running
from desk.config.settings import Settings
from storage.runtime import dead_letters

_COLUMNS = ("id", "actor", "row_id", "given_up_at", "tries", "error")


def words(own: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    """The words of `frontdesk queue`."""
    command(own, "dead", dead, "jobs that were given up after their last try, the newest first")
    for verb, text in (("retry", "ring for them again"), ("drop", "throw them away; the rows stay what they are")):
        one = command(own, verb, change, text)
        one.add_argument("ids", nargs="*", metavar="ID")
        one.add_argument("--all", action="store_true", help="all of them")
        one.add_argument("--dry-run", action="store_true", help="only say which")
        one.set_defaults(verb=verb)


def dead(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    rows = [asdict(one) for one in _listed(settings)]
    if args.json:
        output.as_json(rows)
    else:
        output.table(rows, _COLUMNS)
    return 0


def change(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    if bool(args.ids) == args.all:
        raise Trouble("name the jobs (`frontdesk queue dead` lists them), or say --all", 64)
    ids = [one.id for one in _listed(settings) if args.all or one.id in args.ids]
    missing = sorted(set(args.ids) - set(ids))
    if missing:
        raise Trouble(f"there is no job {missing[0]} that was given up")
    act = dead_letters.retry if args.verb == "retry" else dead_letters.drop
    done = 0 if args.dry_run else act(_url(settings), ids)
    if args.json:
        output.as_json({"verb": args.verb, "jobs": ids, "done": done, "dry_run": args.dry_run})
    else:
        print(f"{args.verb}: {len(ids) if args.dry_run else done} jobs{', nothing was done' * args.dry_run}")
    return 0


def _listed(settings: Settings) -> list[dead_letters.Dead]:
    try:
        return dead_letters.listed(_url(settings))
    except dead_letters.Away as error:
        raise Trouble(str(error)) from error


def _url(settings: Settings) -> str:
    url = settings.redis_url or str(running(settings).get("redis_url", ""))
    if not url:
        raise Trouble("no desk is running here, and FRONTDESK_REDIS_URL is not set: there is no queue to look into")
    return url
