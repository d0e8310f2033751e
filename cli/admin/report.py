"""Commands on reports: a period in figures, all figures counted anew, and reports that go out by mail.

With `--dry-run` a mail is printed and not sent, and figures are compared and not written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from cli import output
from cli.command import DRY_RUN, Call, DeskGroup
from cli.trouble import Trouble
from console.insight.reports import to_json
from desk.reports import period
from desk.reports import tables as report_tables
from desk.reports.period import BadPeriod
from storage.db.session import Session
from storage.people import people
from storage.reports import report as report_rows
from storage.reports import schedules
from storage.reports.report import ReportQuery
from storage.reports.schedules import EVERY, Schedule
from workers.timers import report_rollup

_FILTERS = ("channel", "category", "priority")


class ReportGroup(DeskGroup):
    """`frontdesk report` with options, or alone, is `frontdesk report show`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        asks_for_help = any(word in ctx.help_option_names for word in args[:1])
        if not asks_for_help and (not args or args[0].startswith("-")):
            args = ["show", *args]
        return super().parse_args(ctx, args)


report_group = ReportGroup(
    "report", help="A period in figures, beside the period before: `report` with options is `report show`."
)


def _which(function: Any) -> Any:
    """Which tickets count."""
    for name in reversed(("team", *_FILTERS)):
        function = click.option(f"--{name}", default="", help=f"Only tickets of this {name}.")(function)
    return function


@report_group.command()
@click.option("--period", "length", default="30d", metavar="30d|week|month|2026-03", help="Which time.")
@click.option("--from", "first", default="", metavar="DAY", help="From this day on.")
@click.option("--to", "last", default="", metavar="DAY", help="To this day.")
@click.option("--agent", default="", metavar="ADDRESS", help="Only tickets of this agent.")
@click.option("--csv", is_flag=True, help="As CSV, one line a figure.")
@_which
def show(call: Call, length: str, first: str, last: str, csv: bool, **filters: str) -> None:
    """A period in figures, beside the period before."""
    with call.store() as store:
        report_rollup.catch_up(store, call.now)
        with store.database.reading() as session:
            query = _query(session, **filters)
            try:
                days = period.read(first, last, call.settings.time_zone, call.now, length)
            except BadPeriod as error:
                raise Trouble(str(error), 64) from error
            report = report_rows.report(session, days, query, call.now)
    if call.as_json:
        return print(to_json(report))
    tables = report_tables.tables(report)
    if csv:
        return print(report_tables.as_csv(tables), end="")
    print(f"{days.first} to {days.last} ({days.zone}), beside the {days.length} days before\n")
    return print("\n\n".join(filter(None, (report_tables.as_text(tables), report_tables.nearness(report)))))


@report_group.command()
@DRY_RUN
def rebuild(call: Call, dry_run: bool) -> None:
    """Count every ticket anew from its events, and every day."""
    progress = (_progress("tickets"), _progress("days"))
    with call.store() as store:
        done = report_rollup.check(store, *progress) if dry_run else report_rollup.rebuild(store, call.now, *progress)
    text = f"{done.tickets} tickets counted anew, {done.tickets_wrong} were wrong; {done.days} days summed up"
    if dry_run:
        text = f"{done.tickets_wrong} of {done.tickets} tickets and {done.days_wrong} of {done.days} days would change"
    call.answer(asdict(done), text)


@report_group.group()
def schedule() -> None:
    """Reports by mail."""


@schedule.command("add")
@click.argument("name")
@click.option("--to", "recipients", multiple=True, required=True, metavar="ADDRESS", help="Who gets it.")
@click.option("--every", type=click.Choice(EVERY), default="week", help="How often.")
@_which
def add_schedule(call: Call, name: str, recipients: tuple[str, ...], every: str, **filters: str) -> None:
    """Send the last whole week or month by mail."""
    wrong = [address for address in recipients if "@" not in address]
    if wrong or not name.strip():
        raise Trouble(f"{wrong[0]} is no address" if wrong else "a report needs a name", 64)
    next_at = period.next_start(every, call.settings.time_zone, call.now)
    with call.writing() as session:
        query = asdict(_query(session, **filters))
        content = {key: query[key] for key in ("team", *_FILTERS) if query[key]}
        schedules.save(session, Schedule(name, recipients, every, next_at, content))
        row = _schedule(session, name)
    text = f"{row.name}: every {row.every} to {', '.join(row.recipients)}, next {output.text_of(row.next_at)}"
    call.answer(asdict(row), text)


@schedule.command("list")
def list_schedules(call: Call) -> None:
    """The reports that go out by mail."""
    with call.reading() as session:
        rows = [asdict(row) for row in schedules.list_all(session)]
    call.rows(rows, ("name", "every", "recipients", "next_at"))


@schedule.command("remove")
@click.argument("name")
def remove_schedule(call: Call, name: str) -> None:
    """Send this one no more."""
    with call.writing() as session:
        if not schedules.remove(session, name):
            raise Trouble(f"there is no scheduled report {name}")
    call.answer({"removed": name}, f"{name} is sent no more")


@schedule.command("send")
@click.argument("name")
@DRY_RUN
def send_schedule(call: Call, name: str, dry_run: bool) -> None:
    """Send one now, besides its time; a dry run prints the mail."""
    with call.store() as store:
        with store.database.reading() as session:
            row = _schedule(session, name)
        mails = report_rollup.send(store, row, call.now, dry_run=dry_run)
    if call.as_json:
        sent = not dry_run
        return output.as_json([{"to": mail.recipient, "sent": sent, **mail.content.to_json()} for mail in mails])
    if dry_run and mails:
        content = mails[0].content.to_json()
        print(f"Subject: {content['subject']}\n\n{content['text']}\n")
    fate = "nothing was sent; it would go" if dry_run else "on its way"
    return print(f"{fate} to {', '.join(mail.recipient for mail in mails)}")


def _query(
    session: Session, team: str = "", channel: str = "", category: str = "", priority: str = "", agent: str = ""
) -> ReportQuery:
    whose = people.team_named(session, team) if team else None
    by = people.by_address(session, agent) if agent else None
    if team and whose is None:
        raise Trouble(f"there is no team {team}")
    if agent and (by is None or not by.role):
        raise Trouble(f"{agent} is no agent")
    return ReportQuery(whose.id if whose else None, by.id if by else None, channel, category, priority)


def _schedule(session: Session, name: str) -> Schedule:
    row = schedules.get_by_name(session, name)
    if row is None:
        raise Trouble(f"there is no scheduled report {name}")
    return row


def _progress(what: str) -> Callable[[int], None]:
    """Says how far it is, where somebody looks on."""
    if not sys.stderr.isatty():
        return lambda _count: None
    return lambda count: print(f"\r{count:,} {what} ", end="", file=sys.stderr, flush=True)
