"""Similar solved tickets and their resolutions, and how agents use these suggestions.

The page, the API and the command line show the same: the most similar solved tickets, the words that they share, and
the resolution. `note_use` counts whether a reply used, edited or ignored a suggestion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from classifier.similar import Text, nearest, telling, texts
from console.tickets.article_hints import Hint
from console.web.request_context import Visit
from desk.knowledge.articles import Audience
from desk.knowledge.reusable_answer import for_others
from desk.tickets.ticket import Ticket
from storage.access import visibility
from storage.db.session import Session
from storage.knowledge import articles
from storage.learning import solved_index, training_labels
from storage.learning.solved_index import SuggestionUse

MOST = 5
SIMILAR, ARTICLE = "similar", "article"
_NAMED = re.compile(r"(similar|article)-([0-9]{1,18})")
_LOOKED_AT = 20
"""So many near ones are looked at, because some may be tickets that the reader may not see."""


@dataclass(frozen=True, slots=True)
class Solution:
    """A similar solved ticket; `message_id` is the reply that solved it, if one did. The resolution is without greeting
    and signature: they were for another requester."""

    ticket_id: int
    subject: str
    category: str
    likeness: float
    because: tuple[str, ...]
    resolution: str
    message_id: int | None
    resolved_at: datetime


def solutions(session: Session, ticket: Ticket, most: int = MOST) -> list[Solution]:
    """The most similar solved tickets that the agent may see."""
    question = Text(ticket.subject, training_labels.opening_text(session, ticket.id).removeprefix(ticket.subject))
    candidates = solved_index.candidates(session, telling(question), but=(ticket.id,))
    near = nearest(question, texts((one.subject, one.text) for one in candidates), _LOOKED_AT)
    hidden = visibility.hidden_tickets(session, [candidates[one.place].ticket_id for one in near])
    seen = [one for one in near if candidates[one.place].ticket_id not in hidden][:most]
    between = solved_index.names_of_both(session, [candidates[one.place].ticket_id for one in seen])
    return [_solution(candidates[one.place], one.likeness, one.because, between) for one in seen]


def similar_json(ticket: Ticket, found: Sequence[Solution]) -> dict[str, Any]:
    return {"ticket": ticket.id, "similar": [asdict(one) for one in found]}


def suggestion_to_use(visit: Visit, found: Iterable[Solution], hints: Iterable[Hint]) -> tuple[str, str]:
    """Name and text of the suggestion that the query of the page names."""
    asked = visit.request.query_params.get("use", "")
    texts_of = {f"{SIMILAR}-{one.ticket_id}": one.resolution for one in found}
    texts_of |= {f"{ARTICLE}-{one.article.id}": one.article.text for one in hints}
    return (asked, texts_of[asked]) if asked in texts_of else ("", "")


def note_use(visit: Visit, ticket: Ticket, fields: Mapping[str, str], text: str) -> None:
    """Counts for a reply which suggestions of its page were used, edited or ignored.

    Ignored counts once per ticket, for the most similar one: three replies are not three refusals.
    """
    used, offered = (_NAMED.findall(fields.get(name, "")[:300]) for name in ("used", "offered"))
    for kind, number in dict.fromkeys(used):
        outcome = "used" if _same(_answer(visit.session, kind, int(number)), text) else "edited"
        solved_index.record_use(
            visit.session, SuggestionUse(ticket.id, kind, int(number), visit.agent.id, outcome), visit.now
        )
    for use, named in ((articles.SUGGESTED, offered), (articles.USED, used)):
        numbers = [int(number) for kind, number in named if kind == ARTICLE]
        articles.record_use(visit.session, numbers, use, visit.now, ticket.id, visit.agent.id)
    if offered and not used and not solved_index.has_use(visit.session, ticket.id):
        kind, number = offered[0]
        solved_index.record_use(
            visit.session, SuggestionUse(ticket.id, kind, int(number), visit.agent.id, "ignored"), visit.now
        )


def _solution(
    found: solved_index.SolvedTicket, likeness: float, because: tuple[str, ...], between: Mapping[int, tuple[str, str]]
) -> Solution:
    return Solution(
        found.ticket_id,
        found.subject,
        found.category,
        round(likeness, 3),
        because,
        for_others(found.resolution, *between.get(found.ticket_id, ("", ""))),
        found.message_id,
        found.resolved_at,
    )


def _answer(session: Session, kind: str, number: int) -> str:
    if kind == ARTICLE:
        article = articles.get(session, number, Audience.INTERNAL)
        return article.text if article else ""
    solved = solved_index.get(session, number)
    return (
        for_others(solved.resolution, *solved_index.names_of_both(session, [number]).get(number, ("", "")))
        if solved
        else ""
    )


def _same(one: str, other: str) -> bool:
    return one.split() == other.split()
