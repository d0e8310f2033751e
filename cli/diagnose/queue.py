"""Commands on the queues: what waits in each, the jobs that were given up, and the rows that failed by themselves.

In: the running desk's queues and its record. Out: a table or JSON. A dry run only counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

import click

from cli.command import Call, DeskGroup
from cli.data_folder import running
from cli.trouble import Trouble
from desk.config.settings import Settings
from storage.runtime import dead_letters, failures

_FAILED = ("job", "row_id", "attempts", "reason", "failed_at", "next_at")
_COLUMNS = ("id", "queue", "actor", "row_id", "given_up_at", "tries", "error")


_ALL = click.option("--all", "everything", is_flag=True, help="All of them.")

queue_group = DeskGroup("queue", help="Jobs that were given up, and rows that failed.")


@queue_group.command("list")
def list_queues(call: Call) -> None:
    """Each queue: how many messages wait, and how many jobs were given up."""
    try:
        rows = [asdict(depth) for depth in dead_letters.depths(_url(call.settings))]
    except dead_letters.QueueUnavailable as error:
        raise Trouble(str(error)) from error
    call.rows(rows, ("queue", "waiting", "given_up"))


@queue_group.command()
def failed(call: Call) -> None:
    """Rows that failed by themselves and are put off: which, why, until when."""
    with call.reading() as session:
        rows = [asdict(failure) for failure in failures.list_failures(session)]
    call.rows(rows, _FAILED)


@queue_group.command()
@click.argument("rows", nargs=-1, metavar="[JOB:ROW]...")
@_ALL
def retry_failed(call: Call, rows: Sequence[str], everything: bool) -> int:
    """Have rows that failed tried again now: the next round of the scheduler finds them."""
    if bool(rows) == everything:
        raise Trouble("name the rows as JOB:ROW (`frontdesk queue failed` lists them), or say --all", 64)
    with call.writing() as session:
        listed = [(failure.job, failure.row_id) for failure in failures.list_failures(session)]
        done = failures.retry(session, [row for row in listed if everything or f"{row[0]}:{row[1]}" in rows])
    call.answer({"rows": done}, f"{done} rows are tried again")
    return 0 if done or everything else 1


@queue_group.command()
def dead(call: Call) -> None:
    """Jobs that were given up after their last try, the newest first."""
    call.rows([asdict(job) for job in _listed(call.settings)], _COLUMNS)


@queue_group.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@_ALL
@click.option("--dry-run", is_flag=True, help="Only say which.")
def retry(call: Call, ids: Sequence[str], everything: bool, dry_run: bool) -> None:
    """Enqueue jobs again that were given up."""
    jobs = _chosen(call, ids, everything)
    _change(call, "retry", jobs, None if dry_run else dead_letters.retry)


@queue_group.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@_ALL
@click.option("--dry-run", is_flag=True, help="Only say which.")
def drop(call: Call, ids: Sequence[str], everything: bool, dry_run: bool) -> None:
    """Throw jobs away that were given up; the rows stay what they are."""
    jobs = _chosen(call, ids, everything)
    _change(call, "drop", jobs, None if dry_run else dead_letters.drop)


def _chosen(call: Call, ids: Sequence[str], everything: bool) -> list[str]:
    if bool(ids) == everything:
        raise Trouble("name the jobs (`frontdesk queue dead` lists them), or say --all", 64)
    jobs = [job.id for job in _listed(call.settings) if everything or job.id in ids]
    missing = sorted(set(ids) - set(jobs))
    if missing:
        raise Trouble(f"there is no job {missing[0]} that was given up")
    return jobs


def _change(call: Call, verb: str, jobs: list[str], act: Callable[[str, list[str]], int] | None) -> None:
    done = act(_url(call.settings), jobs) if act else 0
    facts = {"verb": verb, "jobs": jobs, "done": done, "dry_run": act is None}
    call.answer(facts, f"{verb}: {done} jobs" if act else f"{verb}: {len(jobs)} jobs, nothing was done")


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
