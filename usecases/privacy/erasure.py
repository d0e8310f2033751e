"""Erases a person: what they asked, wrote and sent, wherever it is stored; keeps a receipt without their data.

The receipt has counts, and a hash that tells whether an address was erased. Their own tickets are redacted whole
(agents' answers quote them). On other people's tickets their messages go, and their address wherever the desk stored
it; what others wrote about them stays. Later mail from the same address is a new person.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.mail.states import InboundState
from desk.tickets.subject import base
from desk.tickets.ticket import Actor, ActorKind
from storage.db.session import Session
from storage.learning import categories
from storage.learning import models as model_rows
from storage.open_store import Store
from storage.operations import blob_gc
from storage.people import accounts, people
from storage.people.addresses import canonical, spellings
from storage.people.people import Person
from storage.privacy import personal_columns, redact
from storage.privacy.redact import REDACTED_NAME, Redaction
from storage.tables.desk import articles
from storage.tables.learning import models
from storage.tables.people import agent_aliases, erasures, requester_sessions
from storage.tables.tickets import events, inbound, messages, outbound, participants, tickets
from storage.tables.tickets import people as people_table
from usecases.privacy import erased_articles
from usecases.tickets import side_conversations

_SHORTEST = 12
_MESSAGE_INDEXES = ("message_search", "message_folded", "message_grams")
_OTHER_INDEXES = ("people_grams", "solved_search", "article_search")
"""A line of theirs that is so long is looked for in outbound messages about tickets of others."""


class Refused(ValueError):
    """The person was not erased; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The counts of an erasure. `models` may contain their text until the next training has replaced them."""

    id: int
    at: datetime
    person_hash: str
    why: str
    counts: Mapping[str, int]
    tickets: tuple[int, ...]
    models: tuple[str, ...]
    articles: tuple[int, ...]
    octets: int = 0
    finished: bool = False


def erase(store: Store, address: str, actor: Actor, now: datetime, *, why: str = "", dry_run: bool = False) -> Receipt:
    """Erases the person now; a dry run does all of it and rolls it back. Raises Refused."""
    with store.database.transaction(dry_run=dry_run) as session:
        session.overwrite_deleted()
        receipt_id = _erased(store, session, canonical(address), actor, now, why)
    if dry_run:
        return receipt_id
    receipt = finish(store, receipt_id.id)
    purge(store)
    return receipt


def finish(store: Store, receipt_id: int) -> Receipt:
    """Removes the blobs that nothing names any more. May run again."""
    with store.database.reading() as session:
        names = _row(session, receipt_id)["receipt"].get("blobs", [])
    swept = blob_gc.sweep(store, names)
    with store.database.transaction() as session:
        receipt = dict(_row(session, receipt_id)["receipt"])
        receipt |= {"finished": True, "octets": receipt.get("octets", 0) + swept.octets}
        receipt["counts"] = dict(receipt["counts"]) | {"blobs": receipt["counts"].get("blobs", 0) + swept.removed}
        receipt.pop("blobs", None)
        session.execute(sa.update(erasures).where(erasures.c.id == receipt_id).values(receipt=receipt))
        return _receipt(_row(session, receipt_id))


def purge(store: Store) -> None:
    """Removes deleted text from SQLite's search indexes and its WAL; PostgreSQL's vacuum does it by itself."""
    with store.database.transaction() as session:
        _purge_indexes(session)
    store.database.checkpoint_log()


def unfinished(session: Session) -> list[int]:
    """Receipts whose process ended between the two halves."""
    rows = session.execute(sa.select(erasures.c.id, erasures.c.receipt))
    return [row.id for row in rows if not row.receipt.get("finished")]


def receipts(session: Session, most: int = 200) -> list[Receipt]:
    """The newest first."""
    query = sa.select(erasures).order_by(erasures.c.id.desc()).limit(most)
    return [_receipt(dict(row._mapping)) for row in session.execute(query)]


def person_hash(address: str, secret: bytes) -> str:
    """Tells whether somebody was erased to who knows the address and the desk's key, and nothing to anybody else."""
    return hmac.new(secret, b"erased:" + canonical(address).encode(), hashlib.sha256).hexdigest()


def _erased(store: Store, session: Session, address: str, actor: Actor, now: datetime, why: str) -> Receipt:
    person = people.by_address(session, address)
    if person is None:
        raise Refused(f"nobody with the address {address} has ever written here")
    if person.role:
        raise Refused(f"{address} is an agent: what agents did is the history of others' tickets")
    own = list(session.execute(sa.select(tickets.c.id).where(tickets.c.requester_id == person.id)).scalars())
    names, theirs = _names_and_lines(session, person, own)
    redaction = redact.redact_tickets(session, own, actor, now, "the requester was erased")
    erased_articles.redact_articles(session, own, theirs, now, redaction)
    _redact_elsewhere(session, person, redaction)
    written_down = personal_columns.person_to_erase(address, names)
    redaction.counts["mentions"] += personal_columns.redact_columns(session, written_down)
    _redact_person(session, person, now)
    learnt = (models.c.made_by != model_rows.SHIPPED, models.c.state != model_rows.REMOVED)
    versions = list(session.execute(sa.select(models.c.version).where(*learnt)).scalars()) if own else []
    if own:
        categories.ask_for_training(session, "words of an erased person are to be unlearned", now)
    drafted = sa.select(articles.c.id).where(articles.c.from_ticket_id.in_(own))
    receipt = {
        "counts": dict(redaction.counts), "tickets": own, "models": versions, "blobs": sorted(redaction.blobs),
        "articles": list(session.execute(drafted).scalars()), "finished": False,
    }  # fmt: skip
    reason = personal_columns.without_person(why, written_down)
    row = {
        "at": now,
        "agent_id": actor.id if actor.kind is ActorKind.AGENT else None,
        "why": reason,
        "receipt": receipt,
    }
    insertion = (
        sa.insert(erasures).values(**row, person_hash=person_hash(address, store.secret)).returning(erasures.c.id)
    )
    return _receipt(_row(session, session.execute(insertion).scalar_one()))


def _names_and_lines(session: Session, person: Person, own: Sequence[int]) -> tuple[set[str], frozenset[str]]:
    """Their names on their messages, and the lines that they wrote on their own tickets."""
    c, by_requester = messages.c, messages.c.author_kind == str(ActorKind.REQUESTER)
    theirs = sa.or_(sa.and_(by_requester, c.author_id == person.id), c.author_address == person.address)
    query = sa.select(c.author_name, c.subject, c.text, c.reply).where(theirs)
    rows = session.execute(query).all()
    names = {person.name, *(row.author_name for row in rows)}
    subjects = session.execute(sa.select(tickets.c.subject).where(tickets.c.id.in_(own))).scalars()
    texts = [*subjects, *(text for row in rows for text in (row.subject, row.text, row.reply))]
    return names, erased_articles.lines_of_person([*texts, *(base(text) for text in texts[: len(own)])], names)


def _redact_elsewhere(session: Session, person: Person, redaction: Redaction) -> None:
    """Their messages on other people's tickets, what was sent to them, and their address wherever it is named."""
    c, by_requester = messages.c, messages.c.author_kind == str(ActorKind.REQUESTER)
    theirs = sa.or_(sa.and_(by_requester, c.author_id == person.id), c.author_address == person.address)
    rows = session.execute(sa.select(c.id, c.ticket_id, c.reply, c.text).where(theirs)).all()
    lines = {line.strip() for row in rows for line in (row.reply + "\n" + row.text).split("\n")}
    needles = set(spellings(person.address)) | {line for line in lines if len(line) >= _SHORTEST}
    redact.redact_messages(session, [row.id for row in rows], redaction)
    side_tickets = side_conversations.redact_person(session, person.address, REDACTED_NAME)
    copied = sa.select(participants.c.ticket_id).where(participants.c.address == person.address)
    about = {row.ticket_id for row in rows} | set(side_tickets) | set(session.execute(copied).scalars())
    redact.redact_outbound(session, _outbound_mentioning(session, about, person.address, needles), redaction)
    # Mail of theirs that became no message: set aside, refused, a copy of another.
    redact.redact_inbound(session, inbound.c.id.in_(_their_requests(session, person.address)), redaction)
    redaction.counts["side_conversations"] += len(side_tickets)
    removal = session.execute(sa.delete(participants).where(participants.c.address == person.address))
    redaction.add("participants", removal)
    session.execute(sa.delete(agent_aliases).where(agent_aliases.c.address == person.address))
    accounts.remove_accounts(session, person.id)
    session.execute(sa.delete(requester_sessions).where(requester_sessions.c.person_id == person.id))
    kinds = events.c.actor_kind.in_((str(ActorKind.REQUESTER), str(ActorKind.THIRD_PARTY)))
    acted = sa.and_(kinds, events.c.actor_id == person.id)
    session.execute(sa.update(events).where(acted).values(actor_name=""))


def _their_requests(session: Session, address: str) -> list[int]:
    """Settled rows that they sent; other people's rows that only name them stay without the name."""
    c = inbound.c
    # In quotes: a longer address that ends alike is somebody else's.
    spelled = {word for one in spellings(address) for word in (one, one.upper(), one.title())}
    quoted = {text for word in spelled for text in (f'"{word}"', json.dumps(word))}
    named = [personal_columns.mentions(column, text) for column in (c.request, c.envelope) for text in quoted]
    query = sa.select(c.id, c.request, c.envelope, c.state).where(
        sa.or_(*named), c.state.not_in((InboundState.WAITING, InboundState.ORDERED))
    )
    rows = session.execute(query).all()
    theirs = [row.id for row in rows if _sender(row.request, row.envelope) == address]
    for row in rows:
        if row.id not in theirs:
            end_states = (
                row.request
                if row.state in (InboundState.QUARANTINED, InboundState.REFUSED, InboundState.RELEASING)
                else ""
            )
            values = {
                "request": end_states,
                "envelope": personal_columns.without_person(row.envelope, personal_columns.ErasedPerson(address)),
            }
            session.execute(sa.update(inbound).where(c.id == row.id).values(**values))
    return theirs


def _sender(request: str, envelope: Mapping[str, Any]) -> str:
    """Who sent what could be read, else who the envelope says."""
    if request:
        return canonical(str((json.loads(request).get("sender") or {}).get("address", "")))
    return canonical(str(envelope.get("mail_from", "")))


def _outbound_mentioning(session: Session, ids: Iterable[int], address: str, needles: Iterable[str]) -> list[int]:
    """Outbound messages to them, and those about these tickets that quote them."""
    where = sa.or_(outbound.c.recipient == address, outbound.c.ticket_id.in_(sorted(set(ids))))
    rows = session.execute(sa.select(outbound.c.id, outbound.c.recipient, outbound.c.content).where(where))
    return [row.id for row in rows if row.recipient == address or _mentions(row.content, needles)]


def _mentions(content: Any, needles: Iterable[str]) -> bool:
    text = json.dumps(content, ensure_ascii=False)
    return any(json.dumps(needle, ensure_ascii=False)[1:-1] in text for needle in needles)


def _redact_person(session: Session, person: Person, now: datetime) -> None:
    """The row stays, because tickets need a requester, but belongs to nobody and gets no mail."""
    values = {"address": f"erased-{person.id}@erased.invalid", "name": "", "vip": False}
    values |= {"organisation_id": None, "language": "", "time_zone": "", "erased_at": now}
    session.execute(sa.update(people_table).where(people_table.c.id == person.id).values(**values))


def _purge_indexes(session: Session) -> None:
    """Merged into one segment, an index contains no removed text."""
    if not session.postgres:
        session.overwrite_deleted()
        for table in (*_MESSAGE_INDEXES, *_OTHER_INDEXES):
            session.execute(sa.text(f"INSERT INTO {table}({table}) VALUES('optimize')"))


def _row(session: Session, receipt_id: int) -> dict[str, Any]:
    return dict(session.execute(sa.select(erasures).where(erasures.c.id == receipt_id)).one()._mapping)


def _receipt(row: Mapping[str, Any]) -> Receipt:
    receipt = row["receipt"]
    return Receipt(
        row["id"], row["at"], row["person_hash"], row["why"], dict(receipt["counts"]), tuple(receipt["tickets"]),
        tuple(receipt["models"]), tuple(receipt["articles"]), receipt.get("octets", 0), bool(receipt["finished"]),
    )  # fmt: skip
