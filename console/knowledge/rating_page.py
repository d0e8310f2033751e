"""The CSAT page, which a requester opens by the signed link of a mail, without sign-in.

GET shows the form with the score of the link selected; only POST saves a rating, because mail scanners follow links.
The page shows number, subject and date of the ticket and nothing else of it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import anyio.to_thread
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from console.web import rendering
from console.web.request_context import Desk, read_fields
from desk.knowledge import csat_texts
from desk.knowledge.csat import CHANGED_WITHIN, LOW, SCORES, may_vote
from desk.tickets.event_data import RatingGiven
from desk.tickets.events import EventKind
from desk.tickets.ticket import Actor, ActorKind, Change, Event, Ticket
from desk.web.rate_limit import Pace
from storage.db.session import Session
from storage.knowledge import csat
from storage.knowledge.csat import Rating
from storage.people import people
from storage.tickets import tickets

log = structlog.get_logger()

MOST_COMMENT = 2000
HEADERS = {"X-Robots-Tag": "noindex, nofollow"}


@dataclass(frozen=True, slots=True)
class _Asked:
    """The rating request of a link, with what is needed to show it."""

    rating: Rating
    ticket: Ticket
    language: str


def show(desk: Desk) -> Callable[[Request], Response]:
    """The form; it saves nothing."""

    def endpoint(request: Request) -> Response:
        with desk.store.database.reading() as session:
            asked = _asked(desk, session, request)
            return _page(desk, request, asked)

    return endpoint


def save_rating(desk: Desk) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """Saves the rating, or a changed one while changes are possible."""
    pace = Pace(20, timedelta(hours=1))

    def perform(request: Request, fields: Mapping[str, str]) -> Response:
        with desk.store.database.transaction() as session:
            asked = _asked(desk, session, request, lock=True)
            wait = pace.take(str(asked.rating.id), desk.clock())
            if wait:
                raise HTTPException(429, "Please try again later.", {"Retry-After": str(int(wait) + 1)})
            score = fields.get("score", "")
            if score not in map(str, SCORES) or not may_vote(
                asked.rating.asked_at, asked.rating.rated_at, desk.clock()
            ):
                return _page(desk, request, asked, 422)
            _write_down(session, asked, int(score), fields.get("comment", ""), desk.clock())
        return RedirectResponse(f"/rate/{request.path_params['token']}?done=1", 303, headers=HEADERS)

    async def endpoint(request: Request) -> Response:
        return await anyio.to_thread.run_sync(perform, request, await read_fields(request))

    return endpoint


def _write_down(session: Session, asked: _Asked, score: int, text: str, now: datetime) -> None:
    """One event for each rating that differs from the last."""
    rating, comment = asked.rating, text.replace("\r\n", "\n").replace("\0", "").strip()[:MOST_COMMENT]
    if (rating.score, rating.comment) == (score, comment):
        return
    csat.record_score(session, rating.id, score, comment, now)
    person = people.by_ids(session, [asked.ticket.requester_id]).get(asked.ticket.requester_id)
    who = Actor(ActorKind.REQUESTER, asked.ticket.requester_id, person.name if person else "")
    before = "" if rating.score is None else str(rating.score)
    data = RatingGiven(rating=rating.id, score=score, low=score <= LOW)
    event = Event(asked.ticket.id, now, EventKind.RATED, who, before, str(score), comment, data)
    tickets.save(session, Change(asked.ticket, (event,)))
    log.info("ticket_rated", ticket_id=asked.ticket.id, score=score)


def _asked(desk: Desk, session: Session, request: Request, *, lock: bool = False) -> _Asked:
    number = csat.read_token(request.path_params["token"], desk.store.secret)
    first = csat.get(session, number) if number else None
    # The ticket is held before its rating, as the desk does when it asks.
    ticket = tickets.get(session, first.ticket_id, lock=lock) if first else None
    rating = csat.get(session, first.id, lock=lock) if first else None
    # One that was not mailed yet is asked on the status page; whoever has the link may answer.
    if ticket is None or rating is None:
        raise HTTPException(404, csat_texts.words("")["wrong"])
    return _Asked(rating, ticket, csat_texts.spoken(csat.language_of(session, ticket.id)))


def _page(desk: Desk, request: Request, asked: _Asked, status: int = 200) -> Response:
    rating, texts = asked.rating, csat_texts.words(asked.language)
    given = request.query_params.get("score", "")
    until = rating.rated_at + CHANGED_WITHIN if rating.rated_at else None
    values = {
        "settings": desk.settings,
        "texts": texts,
        "language": asked.language,
        "rating": rating,
        "ticket": asked.ticket,
        "scores": SCORES,
        "chosen": int(given) if given in map(str, SCORES) else rating.score,
        "open": may_vote(rating.asked_at, rating.rated_at, desk.clock()),
        "until": f"{until:%Y-%m-%d}" if until else "",
        "done": "done" in request.query_params,
        "token": request.path_params["token"],
    }
    return HTMLResponse(rendering.render("knowledge/rating.html", values), status, HEADERS)
