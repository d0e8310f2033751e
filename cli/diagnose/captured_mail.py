"""The caught mail on the command line: what the desk would have sent, had it a relay."""

from __future__ import annotations

from typing import Any

import click

from cli.command import Call, DeskCommand
from cli.trouble import Trouble
from storage.mail import outbound
from storage.open_store import Store
from storage.runtime.logging_setup import escaped

_COLUMNS = ("id", "kind", "ticket_id", "recipient", "subject")


@click.command(cls=DeskCommand)
@click.argument("number", metavar="[ID]", type=int, required=False)
@click.option("--kind", default="", help="Only this kind: acknowledgement, notice, reply, command-answer.")
@click.option("--reply-to", is_flag=True, help="Print only where the newest one wants its answer to go.")
def caught(call: Call, number: int | None, kind: str, reply_to: bool) -> None:
    """Outgoing mail that was caught because there is no relay.

    Lists the newest; with an ID it shows this one whole.
    """
    with call.store() as store:
        rows = _rows(store, kind)
        if reply_to:
            print(_newest(rows)["reply_to"])
        elif number is not None:
            print(_mail(store, number))
        else:
            call.rows(rows, _COLUMNS)


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
