"""Rows of keyword rules: saved switched off, tested against past tickets, then switched on.

A rule that was changed since its test cannot be switched on. How words match: `desk/rules/keyword_rules.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.rules import keyword_rules as rules
from desk.rules.keyword_rules import BadRule, Past, Rule, Rulebook, Trial
from storage.access import visibility
from storage.db.session import Session
from storage.db.statements import upsert
from storage.learning import categories, training_labels
from storage.tables.learning import corrections, keyword_rules
from storage.tables.tickets import predictions, tickets

PAST = 5_000


@dataclass(frozen=True, slots=True)
class StoredKeywordRule:
    """A stored rule, whether it is on, and the result of its last test."""

    id: int
    rule: Rule
    active: bool
    created_at: datetime
    test: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_tested(self) -> bool:
        return self.test.get("fingerprint") == self.rule.fingerprint()


def list_all(session: Session) -> list[StoredKeywordRule]:
    c = keyword_rules.c
    return [_stored(row._mapping) for row in session.execute(sa.select(keyword_rules).order_by(c.position, c.name))]


def get(session: Session, name: str) -> StoredKeywordRule | None:
    row = session.execute(sa.select(keyword_rules).where(keyword_rules.c.name == name)).first()
    return _stored(row._mapping) if row else None


def active_rules(session: Session, model_categories: frozenset[str]) -> Rulebook:
    """The rules that are on; a category that the model does not know yet also gets a soft rule of its own words."""
    on = [stored.rule for stored in list_all(session) if stored.active]
    fresh = [
        category
        for category in categories.list_all(session)
        if category.active and category.name not in model_categories
    ]
    return Rulebook((*on, *(rule for category in fresh for rule in _soft_rule(category.name, category.words))))


def save(session: Session, rule: Rule, now: datetime) -> None:
    """Stores a new rule, or a new version of one; it is off until it is tested."""
    row = {"name": rule.name, "category": rule.category, "words": rule.words.to_json(), "hard": rule.hard}
    row |= {"position": rule.position, "active": False, "created_at": now}
    upsert(session, keyword_rules, ("name",), row)


def run_test(session: Session, stored: StoredKeywordRule, now: datetime) -> Trial:
    """Tests the rule against past tickets and stores the result, so that this version may be switched on."""
    trial = rules.tried(stored.rule, past_tickets(session))
    result: dict[str, Any] = {
        "at": now.isoformat(),
        "fingerprint": stored.rule.fingerprint(),
        "sentence": trial.sentence,
    }
    result |= {"changed": len(trial.changed), "agreed": trial.agreed, "unknown": trial.unknown}
    words = stored.rule.words.to_json() | {"test": result}
    session.execute(sa.update(keyword_rules).where(keyword_rules.c.id == stored.id).values(words=words))
    return trial


def set_active(session: Session, stored: StoredKeywordRule, *, on: bool) -> None:
    """Switches a rule on or off; on only after a test of this version."""
    if on and not stored.is_tested:
        raise BadRule(f"rule {stored.rule.name!r} must be tested before it is switched on")
    session.execute(sa.update(keyword_rules).where(keyword_rules.c.id == stored.id).values(active=on))


def remove(session: Session, stored: StoredKeywordRule) -> None:
    session.execute(sa.delete(keyword_rules).where(keyword_rules.c.id == stored.id))


def past_tickets(session: Session, most: int = PAST) -> list[Past]:
    """The newest tickets with a guess, with the agents' last correction where there is one."""
    c = corrections.c
    is_corrected = sa.select(c.id).where(c.ticket_id == tickets.c.id).exists().label("said")
    p = predictions.c
    query = (
        sa.select(
            tickets.c.id, tickets.c.subject, tickets.c.category, p.outcome, p.category.label("guessed"), is_corrected
        )
        .join(predictions, p.ticket_id == tickets.c.id)
        .where(*visibility.ticket_condition(session))
        .order_by(tickets.c.id.desc())
        .limit(most)
    )
    rows = session.execute(query).all()
    words = training_labels.opening_texts(session, [row.id for row in rows])
    return [
        Past(row.id, row.subject, words.get(row.id, ""), row.outcome, row.guessed, row.category, bool(row.said))
        for row in rows
    ]


def _soft_rule(name: str, text: str) -> tuple[Rule, ...]:
    try:
        words = rules.words_of(some=[name, *text.replace(",", " ").split()][: rules.MOST_WORDS])
    except BadRule:
        return ()
    return (Rule(f"words of {name}", name, words, hard=False, position=1_000_000),)


def _stored(row: sa.RowMapping) -> StoredKeywordRule:
    words = rules.from_json(row["words"])
    rule = Rule(row["name"], row["category"], words, bool(row["hard"]), row["position"])
    return StoredKeywordRule(row["id"], rule, bool(row["active"]), row["created_at"], row["words"].get("test") or {})
