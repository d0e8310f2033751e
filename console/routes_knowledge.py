"""Routes of knowledge and feedback: similar tickets, resolutions, articles, help pages, CSAT."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from console.api import tickets as api
from console.insight import csat as csat_page
from console.knowledge import articles, help_pages, rating_page
from console.tickets import actions, resolution
from console.web.api_reading import read_endpoint
from console.web.api_writing import write_endpoint
from console.web.request_context import Desk, action, page
from desk.access.permissions import Verb


def page_routes(desk: Desk) -> list[BaseRoute]:
    return [
        *_public(desk),
        Route("/satisfaction", page(desk, csat_page.show), methods=["GET"]),
        Route("/articles", page(desk, articles.show), methods=["GET"]),
        Route("/articles/{article_id:int}", page(desk, articles.detail), methods=["GET"]),
    ]


def action_routes(desk: Desk) -> list[BaseRoute]:
    write = actions.on_ticket(desk, resolution.save_from_form)
    draft = actions.on_ticket(desk, articles.draft_from, Verb.WRITE)
    return [
        Route("/satisfaction/rules", action(desk, csat_page.set_rules, Verb.MANAGE), methods=["POST"]),
        Route("/tickets/{ticket_id:int}/resolution", write, methods=["POST"]),
        Route("/tickets/{ticket_id:int}/article", draft, methods=["POST"]),
        Route("/articles/new", articles.on_article(desk, articles.new), methods=["POST"]),
        *(
            Route(f"/articles/{{article_id:int}}/{name}", articles.on_article(desk, verb), methods=["POST"])
            for name, verb in articles.VERBS.items()
        ),
    ]


def api_routes(desk: Desk) -> list[BaseRoute]:
    save_resolution = write_endpoint(desk, resolution.save_from_api)
    return [
        Route("/api/v1/tickets/{ticket_id:int}/similar", read_endpoint(desk, api.similar_tickets)),
        Route("/api/v1/tickets/{ticket_id:int}/resolution", save_resolution, methods=["POST"]),
        Route("/api/v1/satisfaction", read_endpoint(desk, api.csat)),
    ]


def _public(desk: Desk) -> list[BaseRoute]:
    """Pages for requesters, without sign-in."""
    return [
        Route("/rate/{token}", rating_page.show(desk), methods=["GET"]),
        Route("/rate/{token}", rating_page.save_rating(desk), methods=["POST"]),
        Route("/help", help_pages.show(desk), methods=["GET"]),
        Route("/help/{article_id:int}", help_pages.detail(desk), methods=["GET"]),
        Route("/help/{article_id:int}/helped", help_pages.helped(desk), methods=["POST"]),
    ]
