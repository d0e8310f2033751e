"""Commands on what the whole record follows: the days of the lifecycle, custom fields, organisations."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from desk.tickets import fields as field_rules
from desk.tickets.fields import Kind
from desk.tickets.lifecycle import BadLifecycle, Lifecycle
from desk.tickets.ticket import NotAllowed
from storage.people import organisations
from storage.people.organisations import Organisation
from storage.tickets import lifecycle
from usecases.tickets import custom_fields

Group = Callable[[Any, str, str], Any]
Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]
_DAYS = {
    "reopen_days": "a requester's reply reopens a closed ticket so long; later it opens a linked one",
    "remind_days": "after so long without an answer the requester is reminded; 0 is never",
    "resolve_days": "after so long without an answer a pending ticket is resolved; 0 is never",
    "close_days": "so long after a ticket was resolved it is closed; 0 is never",
}


def words(top: Any, group: Group, command: Command) -> None:
    """All of these commands."""
    days = command(top, "lifecycle", show_or_set, "how long tickets wait before the desk moves them on; shows, or sets")
    for name, text in _DAYS.items():
        days.add_argument(f"--{name.replace('_', '-')}", type=int, metavar="DAYS", help=text)
    _fields(group(top, "field", "custom fields of tickets"), command)
    _organisations(group(top, "organisation", "whose people belong together, by the domain of their address"), command)


def _fields(own: Any, command: Command) -> None:
    command(own, "list", field_list, "all custom fields")
    made = command(own, "add", field_add, "a new custom field, or another version of one")
    made.add_argument("name", help="small letters, digits and _")
    made.add_argument("--label", default="")
    made.add_argument("--kind", choices=list(Kind), default=Kind.TEXT)
    made.add_argument("--choice", action="append", default=[])
    made.add_argument("--category", action="append", default=[], help="only for these, and those below them")
    made.add_argument("--required", action="store_true", help="before a ticket is resolved")
    made.add_argument("--public", action="store_true", help="the form asks requesters for it")
    made.add_argument("--position", type=int, default=0)
    gone = command(own, "remove", field_remove, "take a field away; what tickets hold in it stays in their record")
    gone.add_argument("name")


def _organisations(own: Any, command: Command) -> None:
    command(own, "list", organisation_list, "all organisations")
    made = command(own, "add", organisation_add, "a new organisation, or other facts of one")
    made.add_argument("name")
    made.add_argument("--domain", action="append", default=[])
    made.add_argument("--plan", default="")
    made.add_argument("--shared", action="store_true", help="its people may see each other's tickets")


def show_or_set(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    given = {f.name: getattr(args, f.name) for f in fields(Lifecycle) if getattr(args, f.name) is not None}
    with opened(settings) as store, store.database.transaction() as session:
        rules = replace(lifecycle.rules(session), **given)
        try:
            if given:
                lifecycle.set_rules(session, rules)
        except BadLifecycle as error:
            raise Trouble(str(error), 64) from error
    if args.json:
        output.as_json(asdict(rules))
    else:
        output.fields(asdict(rules))
    return 0


def field_list(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        rows = [asdict(field) for field in custom_fields.list_all(session)]
    return output.rows(args, rows, ("name", "label", "kind", "choices", "categories", "required", "public"))


def field_add(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    given = {name: getattr(args, name) for name in ("name", "label", "kind", "required", "public", "position")}
    with opened(settings) as store, store.database.transaction() as session:
        try:
            field = field_rules.read(given | {"choices": args.choice, "categories": args.category})
            row = asdict(custom_fields.save(session, field))
        except NotAllowed as error:
            raise Trouble(str(error), 64) from error
    return _one(args, row, f"tickets have the field {args.name} now")


def field_remove(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        if not custom_fields.remove(session, args.name):
            raise Trouble(f"there is no field {args.name!r}")
    return _one(args, {"removed": args.name}, f"the field {args.name} is gone")


def organisation_list(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        rows = [asdict(one) for one in organisations.list_all(session)]
    return output.rows(args, rows, ("id", "name", "domains", "plan", "shared"))


def organisation_add(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        wanted = Organisation(0, args.name, tuple(args.domain), args.plan, args.shared)
        try:
            row = asdict(organisations.save(session, wanted, now))
        except NotAllowed as error:
            raise Trouble(str(error), 64) from error
    return _one(args, row, f"{args.name} is organisation {row['id']}")


def _one(args: argparse.Namespace, row: dict[str, Any], said: str) -> int:
    if args.json:
        output.as_json(row)
    else:
        print(said)
    return 0
