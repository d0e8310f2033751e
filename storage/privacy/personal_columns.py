"""The columns in which the desk itself stores names and addresses: what an erasure searches, and what it leaves.

What other people wrote in their own words is left. A test holds that every text column of every table is in one of
these lists, so a new column must be decided on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from storage.db.session import Session
from storage.people import addresses
from storage.privacy.redact import REDACTED_NAME
from storage.tables.desk import report_schedules
from storage.tables.tickets import metadata

SWEPT: Mapping[str, tuple[str, ...]] = {
    "articles": ("title", "text"),
    "article_versions": ("title", "text"),
    "audit": ("data",),
    "automations": ("conditions", "actions"),
    "categories": ("words",),
    "custom_fields": ("label", "choices"),
    "drafts": ("text",),
    "erasures": ("why",),
    "events": ("before", "after", "why", "data"),
    "imap_folders": ("error",),
    "incident_orders": ("text",),
    "keyword_rules": ("words",),
    "macros": ("text", "actions"),
    "messages": ("recipients", "signal_detail", "trust"),
    "organisations": ("domains",),
    "outbound": ("reason",),
    "predictions": ("reasons",),
    "report_schedules": ("recipients", "content"),
    "routing_rules": ("conditions", "actions"),
    "saved_views": ("name", "query"),
    "scheduled_replies": ("content",),
    "settings": ("value",),
    "side_conversations": ("people", "address", "subject"),
    "sla_policies": ("conditions", "escalations"),
    "solved": ("resolution",),
    "teams": ("signature",),
    "tickets": ("tags", "fields", "priority_why", "resolution"),
}
KEPT: Mapping[str, str] = {
    "agent_aliases": "removed",
    "channel_accounts": "removed",
    "agents": "the desk's own staff",
    "api_tokens": "names that admins gave to programs, and hashes",
    "blobs": "named by hash; those of theirs are removed, others' mail is others'",
    "calendars": "hours and holidays",
    "clocks": "kinds and states",
    "console_sessions": "hashes",
    "corrections": "names of categories",
    "day_figures": "names of categories and sums",
    "foreign_numbers": "removed with the ticket",
    "failures": "names of jobs, kinds of errors and places in the code",
    "heartbeats": "names of processes, threads and kinds of errors",
    "idempotency": "removed with the request",
    "inbound": "emptied where it is theirs, without them where it is others'",
    "incident_reports": "removed with the ticket",
    "incident_tickets": "states",
    "incident_traffic": "sums by organisation",
    "incidents": "categories, organisations, and a sentence of numbers",
    "late_files": "removed with the ticket",
    "leases": "names of processes",
    "links": "kinds",
    "mailboxes": "the desk's own addresses",
    "models": "figures; whose words were capped is a number",
    "participants": "removed",
    "people": "the row stays and is nobody's",
    "presence": "what agents do just now",
    "ratings": "emptied with the ticket; other comments are others' words",
    "requester_sessions": "removed",
    "slack_threads": "removed with the ticket",
    "suggestion_uses": "kinds and outcomes",
    "thread_ids": "removed with the message",
    "ticket_facts": "states and sums",
    "article_uses": "kinds",
}
"""Tables that are not searched, and why."""
LEFT: Mapping[str, str] = {
    "articles": "category language state audience",
    "audit": "agent_name what",
    "automations": "name trigger",
    "categories": "name",
    "custom_fields": "name kind categories",
    "drafts": "kind files",
    "erasures": "person_hash receipt",
    "events": "kind actor_kind actor_name",
    "imap_folders": "folder",
    "incident_orders": "key kind agent_name",
    "keyword_rules": "name category",
    "macros": "name",
    "messages": "kind author_kind author_name author_address subject text reply html cut attachments external_id "
    "content_hash references signal raw",
    "organisations": "name plan",
    "outbound": "dedupe_key transport kind recipient external_id content state raw",
    "predictions": "model_version category outcome runners_up rule rule_category language",
    "report_schedules": "name every",
    "routing_rules": "name",
    "settings": "key",
    "side_conversations": "state",
    "sla_policies": "name targets",
    "solved": "category subject text",
    "teams": "name strategy routing slack_channel",
    "tickets": "subject status priority category channel conversation",
}
"""Columns of searched tables that are left: kinds, states, hashes, names that staff gave, numbers of a receipt; and
others' own words. What is theirs among them was emptied before (`storage/privacy/redact.py`)."""
_DROPPED = ("report_schedules.recipients", "scheduled_replies.content")
"""Lists of those who get something: who is gone is left out, instead of leaving a mark that nobody can write to."""

_NO_LONGER = r"(?<![\w.+-]){}(?!-?\w|\.\w)"
"""An address that is no part of a longer one, which is somebody else's."""


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """How the person may be written: the address in lower case, also with the letters of its domain; whole names."""

    address: str
    names: tuple[str, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        return addresses.spellings(self.address)

    @property
    def pattern(self) -> re.Pattern[str]:
        words = [
            *(_NO_LONGER.format(re.escape(one)) for one in self.addresses),
            *(rf"\b{re.escape(name)}\b" for name in self.names),
        ]
        return re.compile("|".join(words), re.IGNORECASE)


def person_to_erase(address: str, names: Iterable[str]) -> ErasedPerson:
    """Leaves out names of one word, which are often common words or somebody else's."""
    return ErasedPerson(
        address, tuple(sorted({name.strip() for name in names if len(name.split()) > 1}, key=len, reverse=True))
    )


def redact_columns(session: Session, person: ErasedPerson) -> int:
    """Redacts the person in every searched column; returns how many rows changed."""
    changed = sum(_sweep_table(session, metadata.tables[name], columns, person) for name, columns in SWEPT.items())
    for row in session.execute(sa.select(report_schedules.c.id, report_schedules.c.recipients)).all():
        if not row.recipients:
            session.execute(sa.delete(report_schedules).where(report_schedules.c.id == row.id))
    return changed


def count_rows(session: Session, person: ErasedPerson) -> dict[str, int]:
    """Table → rows with the person in a searched column."""
    by_table = {name: len(_rows(session, metadata.tables[name], columns, person)) for name, columns in SWEPT.items()}
    return {name: rows for name, rows in by_table.items() if rows}


def without_person(value: Any, person: ErasedPerson, *, drop: bool = False) -> Any:
    """The value without the person in any of its texts; `drop` removes whole items of lists."""
    if isinstance(value, str):
        return person.pattern.sub(REDACTED_NAME, value)
    if isinstance(value, Mapping):
        return {without_person(name, person): without_person(item, person, drop=drop) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [item for item in value if not (drop and isinstance(item, str) and item.lower() in person.addresses)]
        return [without_person(item, person, drop=drop) for item in items]
    return value


def _sweep_table(session: Session, table: sa.Table, names: Sequence[str], person: ErasedPerson) -> int:
    keys, rows = list(table.primary_key.columns), _rows(session, table, names, person)
    for row in rows:
        values = {
            name: without_person(getattr(row, name), person, drop=f"{table.name}.{name}" in _DROPPED) for name in names
        }
        session.execute(sa.update(table).where(*(key == getattr(row, key.name) for key in keys)).values(**values))
    return len(rows)


def _rows(session: Session, table: sa.Table, names: Sequence[str], person: ErasedPerson) -> Sequence[Any]:
    named = sa.or_(*(mentions(table.c[name], word) for name in names for word in (*person.addresses, *person.names)))
    columns = (*table.primary_key.columns, *(table.c[name] for name in names))
    return session.execute(sa.select(*columns).where(named)).all()


def mentions(column: sa.Column[Any], word: str) -> sa.ColumnElement[bool]:
    """Whether the column's text has the word.

    JSON keeps what is not ASCII as escapes; SQLite's lower() knows ASCII only, so all spellings are tried.
    """
    text = sa.cast(column, sa.Text)
    spelled = {word, word.lower(), word.upper(), word.title()}
    spelled |= {json.dumps(spelling)[1:-1] for spelling in spelled}
    return sa.or_(*(sa.func.lower(text).contains(spelling.lower(), autoescape=True) for spelling in spelled), *(
        text.contains(spelling, autoescape=True) for spelling in spelled if not spelling.isascii()
    ))  # fmt: skip
