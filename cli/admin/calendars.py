"""Commands on calendars: business hours and days off by name. A change moves due times, which are recalculated."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cli import output
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from desk.sla import business_hours
from desk.sla.business_hours import BadCalendar
from storage.db.session import Session
from storage.sla import calendars
from storage.sla import policies as sla_policies
from storage.sla.calendars import CalendarRow

_DAYS = 14


def words(group: Any, command: Any) -> None:
    """The words of `frontdesk calendar`."""
    command(group, "list", calendar_list, "all calendars")
    command(group, "show", calendar_show, "one calendar, with its next days").add_argument("name")
    add = command(group, "add", calendar_add, "a new calendar, or another one under a name that there is")
    add.add_argument("name")
    add.add_argument("--time-zone", default="UTC", metavar="ZONE", help="such as Europe/Berlin")
    add.add_argument(
        "--slot", action="append", default=[], metavar='"mon-fri 09:00-17:00"', help="open then; none: always"
    )
    add.add_argument("--country", default="", metavar="DE", help="its public holidays are off")
    add.add_argument("--region", default="", metavar="BY")
    add.add_argument("--off", action="append", default=[], metavar="DAY", help="2026-12-24, or 12-24 for every year")
    add.add_argument("--open", action="append", default=[], metavar="DAY", help="worked, although it is a holiday")
    add.add_argument("--dry-run", action="store_true", help="only say what it would mean")
    gone = command(group, "remove", calendar_remove, "a calendar that no policy uses")
    gone.add_argument("name")
    gone.add_argument("--dry-run", action="store_true")


def calendar_list(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        rows = [_plain(row) for row in calendars.list_all(session)]
    if args.json:
        output.as_json(rows)
    else:
        output.table(rows, ("id", "name", "time_zone", "hours", "holidays"))
    return 0


def calendar_show(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        row = _named(session, args.name)
    _print(args, row, now)
    return 0


def calendar_add(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    holidays = {"country": args.country, "region": args.region, "own": args.off, "open": args.open}
    try:
        slots = [business_hours.slot_of(line) for line in args.slot]
        row = CalendarRow(args.name, args.time_zone, slots, {name: value for name, value in holidays.items() if value})
        calendars.to_calendar(row)
        with opened(settings) as store, store.database.transaction() as session:
            if not args.dry_run:
                row = calendars.save(session, row)
    except BadCalendar as error:
        raise Trouble(str(error), 65) from error
    _print(args, row, now)
    return 0


def calendar_remove(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        row = _named(session, args.name)
        users = [one.name for one in sla_policies.list_all(session) if one.calendar_id == row.id]
        users += calendars.list_users(session, row.id)
        if users:
            raise Trouble(f"calendar {row.name} is used by {', '.join(users)}")
        if not args.dry_run:
            calendars.remove(session, row.id)
    if args.json:
        output.as_json({"removed": row.name, "dry_run": args.dry_run})
    else:
        print(f"calendar {row.name} {'would be' if args.dry_run else 'is'} gone")
    return 0


def _named(session: Session, name: str) -> CalendarRow:
    row = calendars.get_by_name(session, name)
    if row is None:
        raise Trouble(f"there is no calendar {name!r}")
    return row


def _plain(row: CalendarRow) -> dict[str, Any]:
    return asdict(row) | {"hours": "; ".join(business_hours.line_of(slot) for slot in row.slots) or "always"}


def _print(args: argparse.Namespace, row: CalendarRow, now: datetime) -> None:
    calendar = calendars.to_calendar(row)
    zone = ZoneInfo(calendar.zone)
    start = now.astimezone(zone)
    spans = list(business_hours.open_spans(calendar, start, start + timedelta(days=_DAYS)))
    off = sorted(day for day in calendar.off if start.date() <= day < start.date() + timedelta(days=365))
    if args.json:
        output.as_json(_plain(row) | {"open": [[a, b] for a, b in spans], "days_off": [str(day) for day in off]})
        return
    output.fields({name: value for name, value in _plain(row).items() if name != "slots"})
    print(f"\nopen within {_DAYS} days ({calendar.zone}):")
    for begins, ends in ((a.astimezone(zone), b.astimezone(zone)) for a, b in spans):
        print(f"  {begins:%a %Y-%m-%d %H:%M} – {ends:%a %H:%M}")
    print("days off within a year: " + (", ".join(f"{day:%a %Y-%m-%d}" for day in off) or "none"))
