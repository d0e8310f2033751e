"""Retention: how long content is kept, by team and category; applied in small steps, each with a receipt.

Due tickets are redacted (numbers and times stay), and raw mail may go earlier. A ticket has the first rule that it
fits; without one it is kept for good. Only closed tickets are redacted. What cannot be redacted is put off with its
reason, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog

from desk.tickets.ticket import DESK, Status
from storage.db.session import Session, is_conflict, is_outage
from storage.open_store import Store
from storage.privacy import redact
from storage.privacy.redact import REDACTED_NAME, Redaction
from storage.runtime import failures, key_values
from storage.tables.people import erasures
from storage.tables.tickets import inbound, messages, teams, tickets
from usecases.privacy import erasure

RULES = "retention"
TICKETS_JOB, RAW_JOB = "retention", "retention_raw"
"""Under these names tickets, and messages with raw mail, are put off."""
AT_ONCE = 100
LONGEST_DAYS = 36_500

log = structlog.get_logger()


class BadRule(ValueError):
    """The rule is empty, or names something that does not exist; the text says what."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Of which tickets ("" means any; a category holds those below it), and for how many days after closing words and,
    since it came, raw mail are kept; 0 is for good."""

    team: str = ""
    category: str = ""
    days: int = 0
    raw_days: int = 0


@dataclass(frozen=True, slots=True)
class DueContent:
    """What a rule would redact now."""

    rule: Rule
    tickets: tuple[int, ...]
    raw: tuple[int, ...]


def rules(session: Session) -> list[Rule]:
    return [Rule(**rule) for rule in key_values.get(session, RULES) or ()]


def set_rules(session: Session, new_rules: Sequence[Rule]) -> None:
    """Stores these rules in this order. Raises BadRule."""
    for rule in new_rules:
        if not (0 <= rule.days <= LONGEST_DAYS and 0 <= rule.raw_days <= LONGEST_DAYS and rule.days + rule.raw_days):
            raise BadRule("a rule says after how many days words or raw mail go")
        team_ids = sa.select(teams.c.id).where(teams.c.name == rule.team)
        if rule.team and session.execute(team_ids).scalar() is None:
            raise BadRule(f"there is no team {rule.team!r}")
    key_values.put(session, RULES, [asdict(rule) for rule in new_rules])


def find_due(session: Session, now: datetime, most: int = AT_ONCE) -> list[DueContent]:
    """By rule, the oldest first."""
    due, before = [], list[sa.ColumnElement[bool]]()
    for rule in rules(session):
        fits = _fits(rule)
        where = sa.and_(fits, *(~other for other in before))
        due.append(
            DueContent(
                rule, tuple(_tickets(session, rule, where, now, most)), tuple(_raw(session, rule, where, now, most))
            )
        )
        before.append(fits)
    return [content for content in due if content.tickets or content.raw]


def run_step(store: Store, now: datetime, most: int = AT_ONCE) -> int:
    """Redacts some of what is due; returns how many tickets and mails, 0 when nothing is left."""
    with store.database.transaction() as session:
        session.overwrite_deleted()
        first = next(iter(find_due(session, now, most)), None)
        if first is None:
            return 0
        receipts = _redacted(session, first, now)
    for number in receipts:
        erasure.finish(store, number)
    return len(first.tickets) + len(first.raw)


def _redacted(session: Session, content: DueContent, now: datetime) -> list[int]:
    """The receipts: one for all; if that fails, one for each ticket and each mail that can be redacted alone."""
    try:
        with session.savepoint():
            return [_redact(session, content, now)]
    except Exception as error:
        if is_outage(error) or is_conflict(error):
            raise
        log.warning("batch_failed", job=TICKETS_JOB, error=failures.reason_of(error))
    singles = [(TICKETS_JOB, number, DueContent(content.rule, (number,), ())) for number in content.tickets]
    singles += [(RAW_JOB, number, DueContent(content.rule, (), (number,))) for number in content.raw]
    attempts = (
        failures.attempt(session, job, number, partial(_redact, session, single, now), now)
        for job, number, single in singles
    )
    return [receipt for receipt in attempts if receipt]


def _redact(session: Session, content: DueContent, now: datetime) -> int:
    """Redacts all of it; returns the number of the receipt."""
    why = f"kept for {content.rule.days} days after closing"
    redaction = redact.redact_tickets(session, content.tickets, DESK, now, why)
    _drop_raw(session, content.raw, redaction)
    receipt = {"counts": dict(redaction.counts), "tickets": list(content.tickets), "models": [], "articles": []}
    row = {"at": now, "why": f"retention: {_rule_in_words(content.rule)}", "person_hash": ""}
    stored_receipt = receipt | {"blobs": sorted(redaction.blobs), "finished": False}
    insertion = sa.insert(erasures).values(**row, receipt=stored_receipt).returning(erasures.c.id)
    return int(session.execute(insertion).scalar_one())


def _fits(rule: Rule) -> sa.ColumnElement[bool]:
    fits: list[sa.ColumnElement[bool]] = [sa.true()]
    if rule.team:
        fits.append(sa.func.coalesce(tickets.c.team_id, 0).in_(sa.select(teams.c.id).where(teams.c.name == rule.team)))
    if rule.category:
        named = sa.func.coalesce(tickets.c.category, "")
        fits.append(sa.or_(named == rule.category, named.startswith(f"{rule.category} / ", autoescape=True)))
    return sa.and_(*fits)


def _tickets(session: Session, rule: Rule, where: Any, now: datetime, most: int) -> list[int]:
    if not rule.days:
        return []
    c = tickets.c
    old = (c.status == str(Status.CLOSED), c.closed_at < now - timedelta(days=rule.days), c.subject != REDACTED_NAME)
    ready = failures.ready_condition(TICKETS_JOB, c.id, now)
    return list(session.execute(sa.select(c.id).where(where, *old, ready).order_by(c.id).limit(most)).scalars())


def _raw(session: Session, rule: Rule, where: Any, now: datetime, most: int) -> list[int]:
    """Messages whose raw mail has been kept long enough."""
    if not rule.raw_days:
        return []
    c = messages.c
    query = sa.select(c.id).join(tickets, tickets.c.id == c.ticket_id)
    old = (c.raw != "", c.created_at < now - timedelta(days=rule.raw_days))
    ready = failures.ready_condition(RAW_JOB, c.id, now)
    return list(session.execute(query.where(where, *old, ready).order_by(c.id).limit(most)).scalars())


def _drop_raw(session: Session, ids: Sequence[int], redaction: Redaction) -> None:
    for table, key in ((messages, messages.c.id), (inbound, inbound.c.message_id)) if ids else ():
        chosen = (key.in_(ids), table.c.raw != "")
        redaction.blobs |= set(session.execute(sa.select(table.c.raw).where(*chosen)).scalars())
        redaction.add("raw_mails", session.execute(sa.update(table).where(*chosen).values(raw="")))


def _rule_in_words(rule: Rule) -> str:
    return ", ".join(f"{name} {value}" for name, value in asdict(rule).items() if value)
