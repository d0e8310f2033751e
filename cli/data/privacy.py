"""Commands on privacy: erase a person, hand out their data, VIPs, who read what, how long words are kept.

What deletes asks for nothing and has `--dry-run`; what was erased is told by a receipt.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from cli import output
from cli.admin.addresses import mail_address
from cli.command import Call, DeskCommand, DeskGroup, most
from cli.trouble import Trouble
from desk.mail.inbound_request import Party
from desk.tickets.ticket import DESK
from storage.access import audit as audit_log
from storage.access.audit import Entry
from storage.people import people, requester_sessions
from usecases.privacy import erasure, retention
from usecases.privacy import export as personal_data

_RECEIPT = ("id", "at", "why", "tickets", "counts", "models", "finished")
_READ = ("at", "agent_name", "what", "ticket_id", "team", "member", "why")
_RULE = ("place", "team", "category", "days", "raw_days")


person_group = DeskGroup("person", help="People who write.")
retention_group = DeskGroup("retention", help="How long words and raw mail are kept.")


@person_group.command()
@click.argument("address")
@click.option("--why", default="", metavar="TEXT", help="Stands on the receipt; name nobody.")
@click.option("--dry-run", is_flag=True, help="Only count what would go.")
def erase(call: Call, address: str, why: str, dry_run: bool) -> None:
    """Take all their words and names out; figures stay."""
    with call.store() as store:
        try:
            receipt = erasure.erase(store, address, DESK, call.now, why=why, dry_run=dry_run)
        except erasure.Refused as error:
            raise Trouble(str(error)) from error
    if call.as_json:
        return output.as_json(asdict(receipt) | {"dry_run": dry_run})
    print("this would go:" if dry_run else f"erased; receipt {receipt.id}:")
    output.fields(dict(receipt.counts))
    if receipt.models:
        print(f"models with their words, until the next training has replaced them: {', '.join(receipt.models)}")
    if receipt.articles:
        print(f"read these articles, which were drafted from their tickets: {', '.join(map(str, receipt.articles))}")
    return None


@person_group.command()
def erasures(call: Call) -> None:
    """The receipts."""
    with call.reading() as session:
        rows = [asdict(receipt) for receipt in erasure.receipts(session)]
    call.rows(rows, _RECEIPT, [row | _counted(row) for row in rows])


@person_group.command()
@click.argument("address")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The zip to write.")
def export(call: Call, address: str, out: Path) -> None:
    """All that is kept of them, as a zip for them."""
    # Written beside its place and renamed, readable by its owner only.
    partial = out.with_name(f".{out.name}.part")
    with call.store() as store:
        try:
            handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w+b") as file:
                done = personal_data.export(store, address, file)
            partial.rename(out)
        except personal_data.UnknownPerson as error:
            raise Trouble(str(error)) from error
        finally:
            partial.unlink(missing_ok=True)
    text = f"{out}: {done.tickets} tickets, {done.messages} messages, {done.letters} letters, {done.files} files"
    call.answer(asdict(done) | {"file": str(out)}, text)


@person_group.command()
@click.argument("address")
def void_links(call: Call, address: str) -> None:
    """No link to their requests that was mailed so far works any more.

    For a mailbox that somebody else can read; the next mail brings a good link.
    """
    with call.writing() as session:
        person = people.by_address(session, address.strip())
        if person is None:
            raise Trouble(f"nobody with the address {address} has ever written here")
        requester_sessions.revoke_links(session, person.id)
    row = {"id": person.id, "address": person.address, "link_version": person.link_version + 1}
    call.answer(row, f"the links of {person.address} are void")


@person_group.command()
@click.argument("address")
@click.option("--off", is_flag=True, help="No longer.")
def vip(call: Call, address: str, off: bool) -> None:
    """Whose new requests stand one step higher, up to High."""
    place = mail_address(address)
    with call.writing() as session:
        person = people.ensure_people(session, [Party(place)], call.now)[place]
        people.set_vip(session, person.id, vip=not off)
    text = f"{place} is {'no longer a' if off else 'a'} VIP"
    call.answer({"id": person.id, "address": place, "vip": not off}, text)


@click.command(cls=DeskCommand)
@click.option("--team", default="", metavar="NAME", help="Only what happened to this team's.")
@most(100)
def audit(call: Call, team: str, most: int) -> None:
    """Who read what in private teams, who joined and left teams, whose role was changed."""
    with call.reading() as session:
        names = {row.id: row.name for row in people.all_teams(session)}
        whose = people.team_named(session, team) if team else None
        if team and whose is None:
            raise Trouble(f"there is no team {team!r}")
        entries = audit_log.entries(session, [whose.id] if whose else None, most=most)
    call.rows([_audit_row(entry, names) for entry in entries], _READ)


@retention_group.command("list")
def list_rules(call: Call) -> None:
    """The rules of desk.toml, in their order."""
    with call.reading() as session:
        rules = retention.rules(session)
    call.rows([{"place": place} | asdict(rule) for place, rule in enumerate(rules, 1)], _RULE)


@retention_group.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be emptied.")
def run(call: Call, dry_run: bool) -> None:
    """Empty now what is due; a worker does so every night."""
    with call.store() as store:
        if not dry_run:
            done = 0
            while more := retention.run_step(store, call.now):
                done += more
            erasure.purge(store)
            return call.answer({"emptied": done}, f"{done} tickets and raw mails emptied")
        with store.database.reading() as session:
            due = retention.find_due(session, call.now, most=1_000_000)
    rows = [asdict(one.rule) | {"tickets": len(one.tickets), "raw_mails": len(one.raw)} for one in due]
    return call.rows(rows, ("team", "category", "days", "raw_days", "tickets", "raw_mails"))


def _counted(row: Mapping[str, Any]) -> dict[str, Any]:
    counts = ", ".join(f"{count} {name}" for name, count in row["counts"].items())
    return {"counts": counts, "tickets": len(row["tickets"])}


def _audit_row(entry: Entry, teams: Mapping[int, str]) -> dict[str, Any]:
    member = entry.data.get("member", "")
    return asdict(entry) | {"team": teams.get(entry.team_id or 0, ""), "why": _why(entry), "member": member}


def _why(entry: Entry) -> str:
    """The reason that somebody gave, or from which role to which."""
    data = entry.data
    return f"{data['before']} → {data['after']}" if "before" in data else str(data.get("why", ""))
