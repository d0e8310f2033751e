"""Suggests public articles before a request is sent from the form, and counts the visitors whom an article helped.

None are suggested where the help pages are switched off. It works without scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from desk.knowledge.articles import Audience
from gateway.web.submission import Submission
from storage.db.session import Session
from storage.knowledge import articles, csat_settings
from storage.knowledge.articles import Article
from storage.open_store import Store

MOST = 3
LEAST = 0.2
"""Nearer than for agents, who can tell at a glance that an article is about something else."""


def suggest_articles(store: Store, sent: Submission, now: datetime) -> list[Article]:
    """Similar articles, counted as suggested."""
    with store.database.reading() as session:
        shown = similar_articles(session, sent.subject, sent.body)
    if shown:
        _count(store, [one.id for one in shown], articles.SUGGESTED, now)
    return shown


def similar_articles(session: Session, subject: str, text: str) -> list[Article]:
    """The articles, without counting them."""
    if not csat_settings.rules(session).help_pages or not articles.has_any(session, Audience.PUBLIC):
        return []
    # Importing costs a tenth of a second and some memory, which a desk without articles need not spend.
    from classifier.similar import Text, nearest, telling

    question = Text(subject, text)
    found = articles.candidates(session, Audience.PUBLIC, telling(question))
    likely = nearest(question, [Text(one.title, one.text) for one in found], MOST)
    return [found[one.place] for one in likely if one.likeness >= LEAST]


def count_helped(store: Store, article: str, now: datetime) -> None:
    """Counts that an article helped a visitor. A number that is no public article is ignored."""
    if not (article.isascii() and article.isdigit() and len(article) < 19):
        return
    with store.database.reading() as session:
        found = articles.get(session, int(article), Audience.PUBLIC)
    if found is not None:
        _count(store, [found.id], articles.HELPED, now)


def _count(store: Store, ids: Sequence[int], kind: str, now: datetime) -> None:
    with store.database.transaction() as session:
        articles.record_use(session, ids, kind, now, None, None)
