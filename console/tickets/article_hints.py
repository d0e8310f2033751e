"""Articles that may help with a ticket, by the words of the requester and by its category.

Published articles only, the most similar first, with the words that they share.
"""

from __future__ import annotations

from dataclasses import dataclass

from classifier.similar import Text, nearest, telling
from desk.knowledge.articles import Audience, State
from desk.tickets.ticket import Ticket
from storage.db.session import Session
from storage.knowledge import articles
from storage.knowledge.articles import Article, ArticleFilter
from storage.learning import training_labels

MOST = 3
SAME_CATEGORY = 0.1
"""So much nearer is an article of the ticket's own category."""


@dataclass(frozen=True, slots=True)
class Hint:
    """`likeness` is 0 for an article that only has the same category."""

    article: Article
    likeness: float
    because: tuple[str, ...] = ()


def for_ticket(session: Session, ticket: Ticket, eyes: Audience = Audience.INTERNAL, most: int = MOST) -> list[Hint]:
    """Articles similar to the opening message first, then articles of the category."""
    question = Text("", training_labels.opening_text(session, ticket.id))
    hints = for_words(session, question, eyes, ticket.category or "", most)
    if ticket.category and len(hints) < most:
        suggested = {one.article.id for one in hints}
        same = articles.page(
            session, eyes, ArticleFilter(state=str(State.PUBLISHED), category=ticket.category, most=most)
        )
        hints += [Hint(one, 0.0) for one in same if one.id not in suggested]
    return hints[:most]


def for_words(session: Session, question: Text, eyes: Audience, category: str = "", most: int = MOST) -> list[Hint]:
    """By similarity; an article of that category ranks a little higher."""
    candidates = articles.candidates(session, eyes, telling(question))
    near = nearest(question, [Text(one.title, one.text) for one in candidates], most * 3)
    hints = [Hint(candidates[one.place], round(one.likeness, 3), one.because) for one in near]
    return sorted(hints, key=lambda hint: -_rank(hint, category))[:most]


def _rank(hint: Hint, category: str) -> float:
    return hint.likeness + (SAME_CATEGORY if category and hint.article.category == category else 0.0)
