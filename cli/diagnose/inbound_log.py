"""Commands on the ledgers: what was accepted and how it ended, what is set aside and how it comes back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from cli import output
from cli.command import ID, Call, DeskCommand, DeskGroup, most
from cli.trouble import Trouble
from desk.mail.states import InboundState
from storage.mail import inbound, outbound
from storage.open_store import Store
from storage.runtime.logging_setup import escaped

ASIDE = (InboundState.QUARANTINED, InboundState.REFUSED, InboundState.RELEASING)
_MOST_SHOWN = 20_000
_COLUMNS = ("id", "received_at", "channel", "state", "reason", "source", "size")


def totals(store: Store, now: datetime) -> dict[str, Any]:
    """The sums of both ledgers, in the form that tests and tools rely on."""
    with store.database.reading() as session:
        summed, leaving = inbound.totals(session, now), outbound.totals(session)
    oldest = summed.oldest_unsettled
    return {
        "accepted": summed.accepted,
        "states": dict(summed.states),
        "unsettled": summed.unsettled,
        "oldest_unsettled_seconds": round(oldest.total_seconds(), 3) if oldest is not None else 0,
        "repeats": summed.repeats,
        "outbound": leaving,
    }


@click.command(cls=DeskCommand)
def ledger(call: Call) -> None:
    """What was accepted, and how it ended."""
    with call.store() as store:
        sums = totals(store, call.now)
    if call.as_json:
        return output.as_json(sums)
    output.fields({"accepted": sums["accepted"], **sums["states"], "unsettled": sums["unsettled"]})
    output.fields({"oldest unsettled, seconds": sums["oldest_unsettled_seconds"], "copies seen": sums["repeats"]})
    print("\noutbound")
    return output.fields(sums["outbound"] or {"nothing": 0})


quarantine_group = DeskGroup("quarantine", help="What was set aside.")


@quarantine_group.command("list")
@most(200)
def list_quarantine(call: Call, most: int) -> None:
    """The newest ones."""
    with call.reading() as session:
        rows = inbound.list_by_state(session, ASIDE, most)
    call.rows(rows, _COLUMNS)


@quarantine_group.command()
@ID
def show(call: Call, number: int) -> None:
    """One, with its bytes."""
    with call.store() as store, store.database.reading() as session:
        row = inbound.get(session, number)
        if row is None:
            raise Trouble(f"there is no inbound row {number}")
        raw = store.blobs.get(session, row["raw"]) if row["raw"] else b""
    text = (raw or b"")[:_MOST_SHOWN].decode("utf-8", "replace")
    if call.as_json:
        return output.as_json(row | {"raw_text": text})
    output.fields({name: value for name, value in row.items() if name != "request"})
    return print("\n" + "\n".join(escaped(line) for line in text.splitlines()))


@quarantine_group.command()
@ID
def release(call: Call, number: int) -> None:
    """Try one again."""
    with call.writing() as session:
        if not inbound.request_release(session, number):
            raise Trouble(f"inbound row {number} is not set aside")
        row = inbound.get(session, number)
    call.answer({"id": number, "state": row["state"] if row else ""}, f"inbound row {number} goes back to work")
