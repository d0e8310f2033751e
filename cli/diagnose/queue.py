"""Commands on the queues: what waits in each, the jobs that were given up, and the rows that failed by themselves.

In: the running desk's queues and its record. Out: a table or JSON. A dry run only counts.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened, running
from desk.config.settings import Settings
from storage.runtime import dead_letters, failures

_FAILED = ("job", "row_id", "attempts", "reason", "failed_at", "next_at")
_COLUMNS = ("id", "queue", "actor", "row_id", "given_up_at", "tries", "error")


def words(own: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    """The words of `frontdesk queue`."""
    command(own, "list", depths, "each queue: how many messages wait, and how many jobs were given up")
    command(own, "failed", failed, "rows that failed by themselves and are put off: which, why, until when")
    again = command(own, "retry-failed", retry_failed, "have rows that failed tried again now")
    again.add_argument("rows", nargs="*", metavar="JOB:ROW", help="as `queue failed` names them")
    again.add_argument("--all", action="store_true", help="all of them")
    command(own, "dead", dead, "jobs that were given up after their last try, the newest first")
    for verb, text in (("retry", "enqueue them again"), ("drop", "throw them away; the rows stay what they are")):
        one = command(own, verb, change, text)
        one.add_argument("ids", nargs="*", metavar="ID")
        one.add_argument("--all", action="store_true", help="all of them")
        one.add_argument("--dry-run", action="store_true", help="only say which")
        one.set_defaults(verb=verb)


def depths(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    try:
        rows = [asdict(depth) for depth in dead_letters.depths(_url(settings))]
    except dead_letters.QueueUnavailable as error:
        raise Trouble(str(error)) from error
    if args.json:
        output.as_json(rows)
    else:
        output.table(rows, ("queue", "waiting", "given_up"))
    return 0


def failed(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        rows = [asdict(failure) for failure in failures.list_failures(session)]
    if args.json:
        output.as_json(rows)
    else:
        output.table(rows, _FAILED)
    return 0


def retry_failed(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """The next round of the scheduler finds them."""
    if bool(args.rows) == args.all:
        raise Trouble("name the rows as JOB:ROW (`frontdesk queue failed` lists them), or say --all", 64)
    with opened(settings) as store, store.database.transaction() as session:
        known = [(failure.job, failure.row_id) for failure in failures.list_failures(session)]
        wanted = [row for row in known if args.all or f"{row[0]}:{row[1]}" in args.rows]
        done = failures.retry(session, wanted)
    if args.json:
        output.as_json({"rows": done})
    else:
        print(f"{done} rows are tried again")
    return 0 if done or args.all else 1


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


def _listed(settings: Settings) -> list[dead_letters.DeadJob]:
    try:
        return dead_letters.list_jobs(_url(settings))
    except dead_letters.QueueUnavailable as error:
        raise Trouble(str(error)) from error


def _url(settings: Settings) -> str:
    url = settings.redis_url or str(running(settings).get("redis_url", ""))
    if not url:
        raise Trouble("no desk is running here, and FRONTDESK_REDIS_URL is not set: there is no queue to look into")
    return url
