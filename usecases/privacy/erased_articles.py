"""Redacts the articles that were drafted from the tickets of an erased person.

An unpublished article is emptied and retired; a published one is the desk's knowledge and stays, without that person's
lines and without its earlier versions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from desk.knowledge.articles import State, without_persons
from storage.db.session import Session
from storage.privacy.redact import REDACTED_NAME, Redaction
from storage.tables.desk import article_versions, articles

_SHORTEST = 12
"""A line that is so long is somebody's own words."""


def lines_of_person(texts: Iterable[str], names: Iterable[str]) -> frozenset[str]:
    """Their lines, as they wrote them and as a draft has them without names and numbers."""
    parts = [part for name in names for part in name.split() if len(part) > 2]
    own_lines = {line.strip() for text in texts for line in text.split("\n")}
    plain = {without_persons(line, parts)[0].strip() for line in own_lines}
    return frozenset(line for line in own_lines | plain if len(line) >= _SHORTEST)


def redact_articles(
    session: Session, ticket_ids: Sequence[int], theirs: Collection[str], now: datetime, redaction: Redaction
) -> None:
    """Empties unpublished articles; removes their lines from published ones."""
    a, v = articles.c, article_versions.c
    drafted = a.from_ticket_id.in_(ticket_ids)
    for row in session.execute(sa.select(a.id, a.title, a.text, a.state, a.version).where(drafted)).all():
        published = row.state == str(State.PUBLISHED)
        title, text = _without_lines(row.title, theirs), _without_lines(row.text, theirs)
        values = {"title": title or REDACTED_NAME, "text": text} if published else {"title": REDACTED_NAME, "text": ""}
        state = row.state if published else str(State.RETIRED)
        session.execute(sa.update(articles).where(a.id == row.id).values(**values, state=state, updated_at=now))
        earlier = v.version < row.version if published else sa.true()
        session.execute(sa.delete(article_versions).where(v.article_id == row.id, earlier))
        session.execute(sa.update(article_versions).where(v.article_id == row.id).values(**values))
        redaction.counts["articles"] += 1


def _without_lines(text: str, theirs: Collection[str]) -> str:
    return "\n".join(line for line in text.split("\n") if line.strip() not in theirs).strip()
