"""Commands on the ledgers: what was accepted and how it ended, what is set aside and how it comes back."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
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


def ledger(args: argparse.Namespace, settings: Settings, now: datetime) -> int:
    with opened(settings) as store:
        found = totals(store, now)
    if args.json:
        output.as_json(found)
        return 0
    output.fields({"accepted": found["accepted"], **found["states"], "unsettled": found["unsettled"]})
    output.fields({"oldest unsettled, seconds": found["oldest_unsettled_seconds"], "copies seen": found["repeats"]})
    print("\noutbound")
    output.fields(found["outbound"] or {"nothing": 0})
    return 0


def quarantine_list(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        rows = inbound.list_by_state(session, ASIDE, args.most)
    if args.json:
        output.as_json(rows)
    else:
        output.table(rows, _COLUMNS)
    return 0


def quarantine_show(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.reading() as session:
        row = inbound.get(session, args.id)
        if row is None:
            raise Trouble(f"there is no inbound row {args.id}")
        raw = store.blobs.get(session, row["raw"]) if row["raw"] else b""
    text = (raw or b"")[:_MOST_SHOWN].decode("utf-8", "replace")
    if args.json:
        output.as_json(row | {"raw_text": text})
        return 0
    output.fields({name: value for name, value in row.items() if name != "request"})
    print("\n" + "\n".join(escaped(line) for line in text.splitlines()))
    return 0


def quarantine_release(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    with opened(settings) as store, store.database.transaction() as session:
        if not inbound.request_release(session, args.id):
            raise Trouble(f"inbound row {args.id} is not set aside")
        row = inbound.get(session, args.id)
    state = row["state"] if row else ""
    if args.json:
        output.as_json({"id": args.id, "state": state})
    else:
        print(f"inbound row {args.id} goes back to work")
    return 0
