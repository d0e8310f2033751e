"""Commands on caught mail: what the desk would have sent, while no relay is set."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any

from console.cli import show
from console.cli.desk import Trouble, opened
from desk.settings import Settings
from storage import outbound
from storage.log import escaped

_MOST_LOOKED_AT = 10_000
_COLUMNS = ("id", "sent_at", "kind", "ticket", "recipient", "subject")


def caught(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    if args.id is not None:
        return _one(args, settings)
    with opened(settings) as store, store.database.reading() as session:
        found = outbound.caught(session, _MOST_LOOKED_AT if args.kind else args.most)
    rows = [_row(row) for row in found if args.kind in (None, row["kind"])][: args.most]
    if args.reply_to:
        return _reply_to(rows)
    if args.json:
        show.as_json(rows)
    else:
        show.table(rows, _COLUMNS)
    return 0


def _one(args: argparse.Namespace, settings: Settings) -> int:
    with opened(settings) as store, store.database.reading() as session:
        row = outbound.one(session, args.id)
        raw = store.blobs.get(session, row["raw"]) if row and row["raw"] else None
    if row is None or raw is None:
        raise Trouble(f"there is no caught mail {args.id}")
    text = raw.decode("utf-8", "replace")
    if args.json:
        show.as_json(_row(row) | {"raw": text})
    else:
        print("\n".join(escaped(line) for line in text.splitlines()))
    return 0


def _reply_to(rows: list[dict[str, Any]]) -> int:
    """Only the newest one's address to answer to, for use in other commands."""
    if not rows or not rows[0]["reply_to"]:
        raise Trouble("there is no such mail yet")
    print(rows[0]["reply_to"])
    return 0


def _row(row: dict[str, Any]) -> dict[str, Any]:
    content = row["content"]
    taken = {name: row[name] for name in ("id", "kind", "recipient", "external_id", "sent_at")}
    shown = {"ticket": row["ticket_id"], "subject": content.get("subject", ""), "reply_to": content.get("reply_to", "")}
    return taken | shown
