"""Commands on privacy: erase a person, hand out their data, private teams, who read what, how long words are kept.

What deletes asks for nothing and has `--dry-run`; what was erased is told by a receipt.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from desk.tickets.ticket import DESK
from storage.access import audit
from storage.access.audit import Entry
from storage.people import people, requester_sessions
from usecases.privacy import erasure, retention
from usecases.privacy import export as personal_data
from usecases.privacy.retention import Rule

Command = Callable[[Any, str, Any, str], argparse.ArgumentParser]
Group = Callable[[Any, str, str], Any]
_RECEIPT = ("id", "at", "why", "tickets", "counts", "models", "finished")
_READ = ("at", "agent_name", "what", "ticket_id", "team", "member", "why")
_RULE = ("place", "team", "category", "days", "raw_days")


def words(top: Any, group: Group, command: Command) -> None:
    """The words of their own: audit and retention."""
    seen = command(
        top, "audit", audited, "who read what in private teams, who joined and left teams, whose role was changed"
    )
    seen.add_argument("--team", default="", metavar="NAME")
    seen.add_argument("--most", type=int, default=100)
    kept = group(top, "retention", "how long words and raw mail are kept")
    command(kept, "list", retention_list, "the rules, in their order")
    run = command(kept, "run", retention_run, "empty now what is due; a worker does so every night")
    run.add_argument("--dry-run", action="store_true", help="only say what would be emptied")


def person_words(own: Any, command: Command) -> None:
    gone = command(own, "erase", erase, "take all their words and names out; figures stay")
    gone.add_argument("address")
    gone.add_argument("--why", default="", metavar="TEXT", help="stands on the receipt; name nobody")
    gone.add_argument("--dry-run", action="store_true", help="only count what would go")
    command(own, "erasures", erasures, "the receipts")
    copy = command(own, "export", export, "all that is kept of them, as a zip for them")
    copy.add_argument("address")
    copy.add_argument("--out", required=True, metavar="FILE")
    void = command(own, "void-links", void_links, "no link to their requests that was mailed so far works any more")
    void.add_argument("address")


def void_links(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """For a mailbox that somebody else can read; the next mail brings a good link."""
    with opened(settings) as store, store.database.transaction() as session:
        person = people.by_address(session, args.address.strip())
        if person is None:
            raise Trouble(f"nobody with the address {args.address} has ever written here")
        requester_sessions.revoke_links(session, person.id)
    if args.json:
        output.as_json({"id": person.id, "address": person.address, "link_version": person.link_version + 1})
        return 0
    print(f"the links of {person.address} are void")
    return 0


def erase(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store:
        try:
            receipt = erasure.erase(store, args.address, DESK, now, why=args.why, dry_run=args.dry_run)
        except erasure.Refused as error:
            raise Trouble(str(error)) from error
    if args.json:
        output.as_json(asdict(receipt) | {"dry_run": args.dry_run})
        return 0
    print("this would go:" if args.dry_run else f"erased; receipt {receipt.id}:")
    output.fields(dict(receipt.counts))
    if receipt.models:
        print(f"models with their words, until the next training has replaced them: {', '.join(receipt.models)}")
    if receipt.articles:
        print(f"read these articles, which were drafted from their tickets: {', '.join(map(str, receipt.articles))}")
    return 0


def erasures(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        rows = [asdict(one) for one in erasure.receipts(session)]
    for row in rows if not args.json else ():
        row["counts"] = ", ".join(f"{count} {name}" for name, count in row["counts"].items())
        row["tickets"] = len(row["tickets"])
    return output.rows(args, rows, _RECEIPT)


def export(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """Written beside its place and renamed, readable by its owner only."""
    target = Path(args.out)
    partial = target.with_name(f".{target.name}.part")
    with opened(settings) as store:
        try:
            handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w+b") as file:
                done = personal_data.export(store, args.address, file)
            partial.rename(target)
        except personal_data.UnknownPerson as error:
            raise Trouble(str(error)) from error
        finally:
            partial.unlink(missing_ok=True)
    text = f"{target}: {done.tickets} tickets, {done.messages} messages, {done.letters} letters, {done.files} files"
    return output.said(args, asdict(done) | {"file": str(target)}, text)


def _audit_row(entry: Entry, teams: Mapping[int, str]) -> dict[str, Any]:
    member = entry.data.get("member", "")
    return asdict(entry) | {"team": teams.get(entry.team_id or 0, ""), "why": _why(entry), "member": member}


def _why(entry: Entry) -> str:
    """The reason that somebody gave, or from which role to which."""
    data = entry.data
    return f"{data['before']} → {data['after']}" if "before" in data else str(data.get("why", ""))


def audited(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        names = {team.id: team.name for team in people.all_teams(session)}
        team = people.team_named(session, args.team) if args.team else None
        if args.team and team is None:
            raise Trouble(f"there is no team {args.team!r}")
        found = audit.entries(session, [team.id] if team else None, most=args.most)
    rows = [_audit_row(one, names) for one in found]
    return output.rows(args, rows, _READ)


def retention_list(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        return _rules(args, retention.rules(session))


def retention_run(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store:
        if not args.dry_run:
            done = 0
            while more := retention.run_step(store, now):
                done += more
            erasure.purge(store)
            return output.said(args, {"emptied": done}, f"{done} tickets and raw mails emptied")
        with store.database.reading() as session:
            found = retention.find_due(session, now, most=1_000_000)
    rows = [asdict(one.rule) | {"tickets": len(one.tickets), "raw_mails": len(one.raw)} for one in found]
    return output.rows(args, rows, ("team", "category", "days", "raw_days", "tickets", "raw_mails"))


def _rules(args: argparse.Namespace, found: list[Rule]) -> int:
    return output.rows(args, [{"place": place} | asdict(rule) for place, rule in enumerate(found, 1)], _RULE)
