"""Commands on reports: a period in figures, all figures counted anew, and reports that go out by mail.

Who counts and who sends is given from outside, because workers do. With `--dry-run` a mail is printed and not sent,
and figures are compared and not written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from console.insight.reports import to_json
from desk.config.settings import Settings
from desk.reports import period
from desk.reports import tables as report_tables
from desk.reports.period import BadPeriod
from storage.db.session import Session
from storage.people import people
from storage.reports import report as report_rows
from storage.reports import schedules as report_schedules
from storage.reports.report import ReportQuery
from storage.reports.schedules import EVERY, Schedule

Workers = Callable[[], Any]
_FILTERS = ("channel", "category", "priority")


def words(words: Any, command: Any, workers: Workers) -> None:
    """The words of `frontdesk report`."""
    report = command(words, "report", report_show, "a period in figures, beside the period before")
    report.add_argument("--period", default="30d", metavar="30d|week|month|2026-03")
    report.add_argument("--from", dest="first", default="", metavar="DAY")
    report.add_argument("--to", dest="last", default="", metavar="DAY")
    report.add_argument("--agent", default="", metavar="ADDRESS")
    report.add_argument("--csv", action="store_true", help="as CSV, one line a figure")
    _which(report)
    report.set_defaults(workers=workers)
    more = report.add_subparsers(metavar="COMMAND")
    anew = command(more, "rebuild", report_rebuild, "count every ticket anew from its events, and every day")
    anew.add_argument("--dry-run", action="store_true", help="only say what is not as it should be")
    anew.set_defaults(workers=workers)
    schedule = more.add_parser("schedule", help="reports by mail").add_subparsers(required=True, metavar="COMMAND")
    add = command(schedule, "add", schedule_add, "send the last whole week or month by mail")
    add.add_argument("name")
    add.add_argument("--to", action="append", required=True, dest="recipients", metavar="ADDRESS")
    add.add_argument("--every", choices=EVERY, default="week")
    _which(add)
    command(schedule, "list", schedule_list, "the reports that go out by mail")
    command(schedule, "remove", schedule_remove, "send this one no more").add_argument("name")
    send = command(schedule, "send", schedule_send, "send one now, besides its time")
    send.add_argument("name")
    send.add_argument("--dry-run", action="store_true", help="only print the mail")
    send.set_defaults(workers=workers)


def report_show(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store:
        args.workers().catch_up(store, now)
        with store.database.reading() as session:
            asked = _asked(session, args)
            try:
                days = period.read(args.first, args.last, settings.time_zone, now, args.period)
            except BadPeriod as error:
                raise Trouble(str(error), 64) from error
            told = report_rows.report(session, days, asked, now)
    if args.json:
        print(to_json(told))
        return 0
    made = report_tables.tables(told)
    if args.csv:
        print(report_tables.as_csv(made), end="")
        return 0
    print(f"{days.first} to {days.last} ({days.zone}), beside the {days.length} days before\n")
    print("\n\n".join(filter(None, (report_tables.as_text(made), report_tables.nearness(told)))))
    return 0


def report_rebuild(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    told = (_progress("tickets"), _progress("days"))
    with opened(settings) as store:
        workers = args.workers()
        done = workers.check(store, *told) if args.dry_run else workers.rebuild(store, now, *told)
    if args.json:
        output.as_json(asdict(done))
    elif args.dry_run:
        print(f"{done.tickets_wrong} of {done.tickets} tickets and {done.days_wrong} of {done.days} days would change")
    else:
        print(f"{done.tickets} tickets counted anew, {done.tickets_wrong} were wrong; {done.days} days summed up")
    return 0


def schedule_add(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    wrong = [address for address in args.recipients if "@" not in address]
    if wrong or not args.name.strip():
        raise Trouble(f"{wrong[0]} is no address" if wrong else "a report needs a name", 64)
    next_at = period.next_start(args.every, settings.time_zone, now)
    with opened(settings) as store, store.database.transaction() as session:
        asked = asdict(_asked(session, args))
        content = {name: asked[name] for name in ("team", *_FILTERS) if asked[name]}
        report_schedules.save(session, Schedule(args.name, tuple(args.recipients), args.every, next_at, content))
        made = _found(session, args.name)
    if args.json:
        output.as_json(asdict(made))
    else:
        print(f"{made.name}: every {made.every} to {', '.join(made.recipients)}, next {output.text_of(made.next_at)}")
    return 0


def schedule_list(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        rows = [asdict(one) for one in report_schedules.list_all(session)]
    if args.json:
        output.as_json(rows)
    else:
        output.table(rows, ("name", "every", "recipients", "next_at"))
    return 0


def schedule_remove(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        if not report_schedules.remove(session, args.name):
            raise Trouble(f"there is no scheduled report {args.name}")
    if args.json:
        output.as_json({"removed": args.name})
    else:
        print(f"{args.name} is sent no more")
    return 0


def schedule_send(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store:
        with store.database.reading() as session:
            found = _found(session, args.name)
        made = args.workers().send(store, found, now, dry_run=args.dry_run)
    if args.json:
        sent = not args.dry_run
        output.as_json([{"to": mail.recipient, "sent": sent, **mail.content.to_json()} for mail in made])
        return 0
    if args.dry_run and made:
        content = made[0].content.to_json()
        print(f"Subject: {content['subject']}\n\n{content['text']}\n")
    told = "nothing was sent; it would go" if args.dry_run else "on its way"
    print(f"{told} to {', '.join(letter.recipient for letter in made)}")
    return 0


def _which(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--team", default="", metavar="NAME")
    for name in _FILTERS:
        parser.add_argument(f"--{name}", default="")


def _asked(session: Session, args: argparse.Namespace) -> ReportQuery:
    team = people.team_named(session, args.team) if args.team else None
    agent = people.by_address(session, args.agent) if getattr(args, "agent", "") else None
    if args.team and team is None:
        raise Trouble(f"there is no team {args.team}")
    if getattr(args, "agent", "") and (agent is None or not agent.role):
        raise Trouble(f"{args.agent} is no agent")
    return ReportQuery(
        team=team.id if team else None,
        agent=agent.id if agent else None,
        **{name: getattr(args, name) for name in _FILTERS},
    )


def _found(session: Session, name: str) -> Schedule:
    found = report_schedules.get_by_name(session, name)
    if found is None:
        raise Trouble(f"there is no scheduled report {name}")
    return found


def _progress(what: str) -> Callable[[int], None]:
    """Says how far it is, where somebody looks on."""
    if not sys.stderr.isatty():
        return lambda _count: None
    return lambda count: print(f"\r{count:,} {what} ", end="", file=sys.stderr, flush=True)
