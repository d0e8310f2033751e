"""Exports a person's data as a zip: their tickets, what they wrote and were sent, and their files.

It has `person.json`, `tickets.csv` and `files/`, whose names are safe on any system. Internal notes stay out, and so
does what other people wrote on other people's tickets. Of side conversations about their tickets they get who was
asked and what was sent; whoever was asked gets the whole conversation. `named_in` counts where else the desk stored
their name or address, because those texts may be about other people as well.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import sqlalchemy as sa

from desk.channels import TRAITS
from desk.reports.spreadsheet import BOM
from desk.reports.tables import plain_cell
from desk.tickets.ticket import ActorKind, MessageKind
from storage.db.session import Session
from storage.open_store import Store
from storage.people.addresses import canonical
from storage.privacy import personal_columns
from storage.tables.desk import articles, organisations, ratings
from storage.tables.people import channel_accounts
from storage.tables.tickets import inbound, messages, outbound, participants, people, predictions, tickets
from usecases.tickets import side_conversations

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 80
_TICKET = ("id", "subject", "status", "priority", "category", "channel", "created_at", "updated_at", "resolved_at")
_MESSAGE = (
    "id", "ticket_id", "kind", "inbound", "author_kind", "author_name", "author_address", "created_at", "subject",
    "text", "recipients", "attachments", "raw",
)  # fmt: skip
_OUTBOUND = ("id", "ticket_id", "kind", "transport", "recipient", "state", "created_at", "sent_at", "content")

_REQUEST = ("id", "channel", "source", "received_at", "state", "reason", "size", "ticket_id", "message_id")
_ARTICLE = ("id", "title", "text", "state", "audience", "from_ticket_id", "created_at")


class UnknownPerson(LookupError):
    """Nobody with that address ever wrote here."""


@dataclass(frozen=True, slots=True)
class Exported:
    """How much it was."""

    tickets: int
    messages: int
    letters: int
    files: int


def export(store: Store, address: str, target: IO[bytes]) -> Exported:
    """Write everything into one zip; raises Unknown."""
    with store.database.reading() as session, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as pack:
        whole = collect_data(session, canonical(address))
        files = sum(_write(pack, store, session, message) for message in whole["messages"])
        pack.writestr("person.json", json.dumps(whole, ensure_ascii=False, indent=2, default=str))
        pack.writestr("tickets.csv", _table(whole["tickets"]))
    return Exported(len(whole["tickets"]), len(whole["messages"]), len(whole["letters"]), files)


def collect_data(session: Session, address: str) -> dict[str, Any]:
    """The same as plain values."""
    row = session.execute(sa.select(people).where(people.c.address == address)).first()
    if row is None:
        raise UnknownPerson(f"nobody with the address {address} has ever written here")
    person = dict(row._mapping)
    number = person["id"]
    own = _rows(session, sa.select(*(tickets.c[name] for name in (*_TICKET, "tags", "fields", "resolution"))).where(
        tickets.c.requester_id == number
    ).order_by(tickets.c.id))  # fmt: skip
    ids = [ticket["id"] for ticket in own]
    drafted = articles.c.from_ticket_id.in_(ids)
    name = sa.select(organisations.c.name).where(organisations.c.id == person["organisation_id"])
    return {
        "person": person | {"organisation": session.execute(name).scalar()},
        "accounts": _rows(session, sa.select(channel_accounts).where(channel_accounts.c.person_id == number)),
        "tickets": own,
        "messages": [_as_sent(row, address) for row in _rows(session, _messages(number, address, ids))],
        "letters": _rows(session, _outbound(address, ids)),
        "ratings": _rows(session, sa.select(ratings).where(ratings.c.ticket_id.in_(ids))),
        "side_conversations": side_conversations.about_person(session, address, ids),
        "guesses": _rows(session, sa.select(predictions).where(predictions.c.ticket_id.in_(ids))),
        "requests": _rows(session, sa.select(*(inbound.c[n] for n in _REQUEST)).where(inbound.c.ticket_id.in_(ids))),
        "articles": _rows(
            session, sa.select(*(articles.c[n] for n in _ARTICLE)).where(drafted).order_by(articles.c.id)
        ),
        "named_in": personal_columns.count_rows(session, personal_columns.person_to_erase(address, [person["name"]])),
        "takes_part_in": _rows(session, sa.select(participants).where(participants.c.address == address)),
    }


def _messages(number: int, address: str, ids: Sequence[int]) -> sa.Select[Any]:
    """The public conversation of their tickets, and what they wrote elsewhere."""
    c = messages.c
    inside = (str(MessageKind.NOTE), str(MessageKind.SIDE))
    public = sa.and_(c.ticket_id.in_(ids), c.kind.not_in(inside))
    by_them = sa.and_(c.author_kind == str(ActorKind.REQUESTER), c.author_id == number)
    theirs = sa.or_(by_them, sa.and_(c.author_address == address, c.inbound))
    return sa.select(*(c[name] for name in (*_MESSAGE, "reply"))).where(sa.or_(public, theirs)).order_by(c.id)


def _as_sent(row: dict[str, Any], address: str) -> dict[str, Any]:
    """Of an agent's mail only the words that went to them: below these it quotes what is the desk's own."""
    reply = row.pop("reply")
    if row["author_kind"] != str(ActorKind.AGENT) or row["author_address"] == address or not row["inbound"]:
        return row
    return row | {"text": reply, "author_address": "", "recipients": {}, "raw": ""}


def _outbound(address: str, ids: Sequence[int]) -> sa.Select[Any]:
    """Messages sent to them, without copies to others and notices to agents."""
    c = outbound.c
    # The key of a requester's conversation; the agents' own channel and an agent's account have another shape.
    theirs = [
        sa.and_(c.transport == str(each.transport), c.recipient.like(each.conversation_keys))
        for each in TRAITS.values()
        if each.conversation_keys
    ]
    own = sa.and_(c.ticket_id.in_(ids), sa.or_(*theirs))
    return sa.select(*(c[name] for name in _OUTBOUND)).where(sa.or_(c.recipient == address, own)).order_by(c.id)


def _rows(session: Session, query: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in session.execute(query)]


def _write(pack: zipfile.ZipFile, store: Store, session: Session, message: dict[str, Any]) -> int:
    """The files of one message; where each is in the zip is noted on it."""
    written = 0
    for entry, sha256, path in _files(message):
        content = store.blobs.get(session, sha256)
        if content is not None:
            pack.writestr(path, content)
            entry["in_this_zip"] = path
            written += 1
    return written


def _files(message: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, str]]:
    where = f"files/{message['ticket_id']}-{message['id']}"
    message["attachments"] = [dict(file) for file in message["attachments"] or ()]
    for place, file in enumerate(message["attachments"]):
        yield file, str(file.get("sha256", "")), f"{where}-{place}-{safe_file_name(str(file.get('name') or 'file'))}"
    if message["raw"] and message["inbound"]:
        yield message, message["raw"], f"{where}.eml"


def safe_file_name(name: str) -> str:
    """A file's name as any system can keep it: no folder, no hidden file, nothing that a shell would read."""
    return _UNSAFE.sub("_", name).strip("._-")[-_LONGEST_NAME:].lstrip("._-") or "file"


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    page = io.StringIO()
    writer = csv.writer(page)
    writer.writerow(_TICKET)
    writer.writerows([plain_cell(row[name]) for name in _TICKET] for row in rows)
    return BOM + page.getvalue()
