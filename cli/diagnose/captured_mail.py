"""The caught mail on the command line: what the desk would have sent, had it a relay."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any

from cli import output
from cli.open_desk import Trouble, opened
from desk.config.settings import Settings
from storage.mail import outbound
from storage.open_store import Store
from storage.runtime.logging_setup import escaped

_COLUMNS = ("id", "kind", "ticket_id", "recipient", "subject")


def caught(args: argparse.Namespace, settings: Settings, _now: datetime) -> int:
    """The newest caught mails, or one of them whole, or only where the newest one wants its answer to go."""
    with opened(settings) as store:
        found = _rows(store, args.kind)
        if args.reply_to:
            print(_newest(found)["reply_to"])
        elif args.id is not None:
            print(_mail(store, args.id))
        elif args.json:
            output.as_json(found)
        else:
            output.table(found, _COLUMNS)
    return 0


def _rows(store: Store, kind: str) -> list[dict[str, Any]]:
    with store.database.reading() as session:
        rows = outbound.list_captured(session)
    return [_row(row) for row in rows if kind in ("", row["kind"])]


def _row(row: dict[str, Any]) -> dict[str, Any]:
    content = row.pop("content")
    return row | {"subject": content.get("subject", ""), "reply_to": content.get("reply_to", "")}


def _newest(rows: list[dict[str, Any]]) -> dict[str, Any]:
    if not rows:
        raise Trouble("no such mail was caught")
    return rows[0]


def _mail(store: Store, outbound_id: int) -> str:
    with store.database.reading() as session:
        row = outbound.get(session, outbound_id)
        raw = store.blobs.get(session, row["raw"]) if row and row["raw"] else None
    if raw is None:
        raise Trouble(f"there is no caught mail {outbound_id}")
    return "\n".join(escaped(line) for line in raw.decode("utf-8", "replace").splitlines())
