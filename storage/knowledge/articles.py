"""Articles with all their versions: full-text search on both databases, and how often each was used or helpful.

`eyes` is the audience for which a query reads: the public sees published articles, agents also those of their teams.
Each change of title or text makes a new version; no version is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from desk.knowledge.articles import LONGEST_TEXT, LONGEST_TITLE, Audience, State
from desk.tickets.ticket import NotAllowed
from storage.access import visibility
from storage.db.session import Session
from storage.db.statements import read_counts, reserve_ids
from storage.tables.desk import article_uses, article_versions, articles

SUGGESTED, USED, HELPED, NOT_HELPED, LINKED = "suggested", "used", "helped", "not_helped", "linked"
MOST_TERMS = 20
_WORD = re.compile(r"[^\W_]{2,40}")
_SQLITE = "a.id IN (SELECT rowid FROM article_search WHERE article_search MATCH :terms)"
_POSTGRES = "a.search @@ to_tsquery('simple', :terms)"


@dataclass(frozen=True, slots=True)
class Article:
    """An article in its current version; `version` counts changes of its text. `id` is 0 until it is stored."""

    id: int
    title: str
    text: str
    created_at: datetime
    updated_at: datetime
    category: str = ""
    language: str = ""
    state: State = State.DRAFT
    audience: Audience = Audience.INTERNAL
    version: int = 1
    team_id: int | None = None
    author_id: int | None = None
    from_ticket_id: int | None = None
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Version:
    version: int
    title: str
    text: str
    editor_id: int | None
    at: datetime


_NAMES = tuple(Article.__dataclass_fields__)
_c = articles.c


def add(session: Session, article: Article) -> Article:
    """Stores a new article with its first version."""
    (number,) = reserve_ids(session, articles, 1)
    new = replace(article, id=number)
    session.execute(sa.insert(articles).values(**_row(new)))
    _keep_version(session, new, article.author_id)
    return new


def get(session: Session, article_id: int, eyes: Audience) -> Article | None:
    row = session.execute(_select(session, eyes).where(_c.id == article_id)).first()
    return _article(row._mapping) if row else None


def save(session: Session, old: Article, new: Article, editor_id: int | None) -> Article:
    """Stores the article; a changed text is a new version.

    NotAllowed where somebody else changed it in the meantime.
    """
    if not new.title.strip() or len(new.title) > LONGEST_TITLE or len(new.text) > LONGEST_TEXT:
        raise NotAllowed(f"an article has a title of 1 to {LONGEST_TITLE} letters and a text of at most {LONGEST_TEXT}")
    words_changed = (old.title, old.text) != (new.title, new.text)
    new = replace(new, version=old.version + words_changed)
    where = (_c.id == old.id, _c.version == old.version, _c.state == str(old.state))
    if session.execute(sa.update(articles).where(*where).values(**_row(new))).rowcount != 1:
        raise NotAllowed("somebody else changed this article meanwhile; look at it again")
    if words_changed:
        _keep_version(session, new, editor_id)
    return new


@dataclass(frozen=True, slots=True)
class ArticleFilter:
    """Which articles a list shows: at most `most`, with smaller numbers than `before`."""

    state: str = ""
    category: str = ""
    before: int | None = None
    most: int = 50
    ticket_id: int | None = None


def page(session: Session, eyes: Audience, shown: ArticleFilter = ArticleFilter()) -> list[Article]:
    """The newest first."""
    query = _select(session, eyes).order_by(_c.id.desc()).limit(shown.most)
    for column, value in (
        (_c.state, shown.state),
        (_c.category, shown.category),
        (_c.from_ticket_id, shown.ticket_id),
    ):
        if value:
            query = query.where(column == value)
    if shown.before is not None:
        query = query.where(_c.id < shown.before)
    return [_article(row._mapping) for row in session.execute(query)]


def search(session: Session, eyes: Audience, text: str, most: int = 50) -> list[Article]:
    """Articles that have all the words (the last one may be a prefix), else one of them; the newest first."""
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(text[:1000])))[:MOST_TERMS]
    if not words:
        return []
    for joined in (_all_of(session, words), _one_of(session, words)):
        matches = _search_rows(session, eyes, joined, most)
        if matches:
            return matches
    return []


def candidates(session: Session, eyes: Audience, terms: Sequence[str], most: int = 100) -> list[Article]:
    """Published articles that have one of the words, to be compared with a request."""
    words = [word for term in terms for word in _WORD.findall(term.lower())][:MOST_TERMS]
    return _search_rows(session, eyes, _one_of(session, words), most, str(State.PUBLISHED)) if words else []


def has_any(session: Session, eyes: Audience) -> bool:
    """Whether there is any article to suggest."""
    return session.execute(_select(session, eyes).where(_c.state == str(State.PUBLISHED)).limit(1)).first() is not None


def categories(session: Session, eyes: Audience) -> dict[str, int]:
    """Category → published articles."""
    inner = _select(session, eyes).where(_c.state == str(State.PUBLISHED)).subquery()
    query = sa.select(inner.c.category, sa.func.count()).group_by(inner.c.category).order_by(inner.c.category)
    return read_counts(session, query)


def versions(session: Session, article_id: int) -> list[Version]:
    """The newest first."""
    v = article_versions.c
    query = sa.select(v.version, v.title, v.text, v.editor_id, v.at).where(v.article_id == article_id)
    return [Version(**row._mapping) for row in session.execute(query.order_by(v.version.desc()))]


def record_use(
    session: Session, article_ids: Iterable[int], kind: str, now: datetime, ticket_id: int | None, who: int | None
) -> None:
    """Records that an article was suggested, used, or (not) helpful; each kind counts once per ticket."""
    u = article_uses.c
    existing_ids = set(session.execute(sa.select(_c.id).where(_c.id.in_(sorted(set(article_ids))))).scalars())
    for number in sorted(existing_ids):
        if ticket_id is not None:
            same = (u.article_id == number, u.ticket_id == ticket_id, u.kind == kind)
            if session.execute(sa.select(u.id).where(*same).limit(1)).first():
                continue
        row = {"article_id": number, "ticket_id": ticket_id, "kind": kind, "person_id": who, "at": now}
        session.execute(sa.insert(article_uses).values(**row))


def count_uses(session: Session, ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Article → how often each kind of use happened."""
    unique_ids = sorted(set(ids))
    uses: dict[int, dict[str, int]] = {number: {} for number in unique_ids}
    u = article_uses.c
    query = sa.select(u.article_id, u.kind, sa.func.count().label("times")).where(u.article_id.in_(unique_ids))
    for row in session.execute(query.group_by(u.article_id, u.kind)) if unique_ids else ():
        uses[row.article_id][row.kind] = row.times
    return uses


def tickets_of(session: Session, article_id: int, most: int = 100) -> list[int]:
    """The tickets that it solved, the newest first."""
    u = article_uses.c
    where = (u.article_id == article_id, u.kind.in_((USED, LINKED)), u.ticket_id.is_not(None))
    query = sa.select(u.ticket_id).where(*where).distinct().order_by(u.ticket_id.desc()).limit(most)
    return [int(number) for number in session.execute(query).scalars()]


def _select(session: Session, eyes: Audience) -> sa.Select[Any]:
    query = sa.select(*(_c[name] for name in _NAMES))
    if eyes is Audience.INTERNAL:
        return query.where(*visibility.team_condition(session, _c.team_id))
    published = (_c.state == str(State.PUBLISHED), _c.audience == str(Audience.PUBLIC))
    return query.where(*published, visibility.public_condition(_c.team_id))


def _search_rows(session: Session, eyes: Audience, terms: str, most: int, state: str = "") -> list[Article]:
    matching = sa.text((_POSTGRES if session.postgres else _SQLITE).replace("a.", "articles."))
    query = _select(session, eyes).where(matching.bindparams(terms=terms)).order_by(_c.id.desc()).limit(most)
    if state:
        query = query.where(_c.state == state)
    return [_article(row._mapping) for row in session.execute(query)]


def _all_of(session: Session, words: Sequence[str]) -> str:
    if session.postgres:
        return " & ".join(f"'{word}'" for word in words) + ":*"
    return " ".join(f'"{word}"' for word in words) + "*"


def _one_of(session: Session, words: Sequence[str]) -> str:
    return " | ".join(f"'{word}'" for word in words) if session.postgres else " OR ".join(f'"{w}"' for w in words)


def _keep_version(session: Session, article: Article, editor_id: int | None) -> None:
    row = {"article_id": article.id, "version": article.version, "title": article.title, "text": article.text}
    session.execute(sa.insert(article_versions).values(**row, editor_id=editor_id, at=article.updated_at))


def _row(article: Article) -> dict[str, Any]:
    row = {name: getattr(article, name) for name in _NAMES}
    return row | {"state": str(article.state), "audience": str(article.audience)}


def _article(row: sa.RowMapping) -> Article:
    values = {name: row[name] for name in _NAMES}
    return Article(**values | {"state": State(row["state"]), "audience": Audience(row["audience"])})
