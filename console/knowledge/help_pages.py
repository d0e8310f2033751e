"""The public help pages: published articles by search and category, without sign-in.

Plain pages without scripts in the visitor's language. One setting hides them all, another lets search engines index
them.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from console.web import rendering
from console.web.request_context import Desk, read_fields
from desk.knowledge.articles import Audience, State
from desk.knowledge.csat import CsatSettings
from desk.portal import texts as portal_texts
from desk.web.clean_input import whole_number
from desk.web.rate_limit import Pace
from storage.db.session import Session
from storage.knowledge import articles, csat_settings
from storage.knowledge.articles import Article, ArticleFilter

PER_PAGE = 50
MOST_WORDS = 300
CACHED = "public, max-age=60"


def show(desk: Desk) -> Callable[[Request], Response]:
    """Search, categories, and the newest articles."""

    def endpoint(request: Request) -> Response:
        asked = request.query_params
        words, category = asked.get("q", "").strip()[:MOST_WORDS], asked.get("category", "")
        before = asked.get("before", "")
        with desk.store.database.reading() as session:
            rules = _open(session)
            page = _listed(session, words, category, whole_number(before))
            categories = articles.categories(session, Audience.PUBLIC)
        more = page[-1].id if len(page) == PER_PAGE and not words else 0
        about = {"rows": page, "words": words, "category": category, "categories": categories, "more": more}
        return _html(desk, request, rules, "knowledge/help.html", **about)

    return endpoint


def detail(desk: Desk) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        with desk.store.database.reading() as session:
            rules, article = _open(session), _found(session, request)
        done = "done" in request.query_params
        return _html(desk, request, rules, "knowledge/help_article.html", article=article, done=done)

    return endpoint


def helped(desk: Desk) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """Counts whether an article helped; limited per address and hour, so that nobody votes hundreds of times."""
    pace = Pace(20, timedelta(hours=1))

    def perform(request: Request, fields: Mapping[str, str]) -> Response:
        with desk.store.database.transaction() as session:
            _open(session)
            article = _found(session, request)
            kind = articles.HELPED if fields.get("helped") == "yes" else articles.NOT_HELPED
            if not pace.take(desk.came_from(request), desk.clock()):
                articles.record_use(session, [article.id], kind, desk.clock(), None, None)
        return RedirectResponse(f"/help/{article.id}?done=1", 303)

    async def endpoint(request: Request) -> Response:
        return await anyio.to_thread.run_sync(perform, request, await read_fields(request))

    return endpoint


def _listed(session: Session, words: str, category: str, before: int | None) -> list[Article]:
    if words:
        return articles.search(session, Audience.PUBLIC, words, PER_PAGE)
    wanted = str(State.PUBLISHED)
    return articles.page(
        session, Audience.PUBLIC, ArticleFilter(state=wanted, category=category, before=before, most=PER_PAGE)
    )


def _open(session: Session) -> CsatSettings:
    rules = csat_settings.rules(session)
    if not rules.help_pages:
        raise HTTPException(404)
    return rules


def _found(session: Session, request: Request) -> Article:
    number = int(request.path_params["article_id"])
    article = articles.get(session, number, Audience.PUBLIC) if number < 2**63 else None
    if article is None:
        raise HTTPException(404)
    return article


def _html(desk: Desk, request: Request, rules: CsatSettings, template: str, **values: object) -> Response:
    """The page in the browser's language; articles are in their own."""
    spoken = portal_texts.wanted(request.headers.get("accept-language", ""), portal_texts.DEFAULT)
    base = {"settings": desk.settings, "indexed": rules.help_indexed, "language": spoken}
    base |= {"texts": portal_texts.words(spoken)}
    headers = {"Cache-Control": CACHED, "Vary": "Accept-Language"}
    headers |= {} if rules.help_indexed else {"X-Robots-Tag": "noindex"}
    return HTMLResponse(rendering.render(template, base | values), 200, headers)
