"""The paths of what comes after a ticket is solved: similar tickets, resolutions, articles, help pages, how it went."""

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


def reading(desk: Desk) -> list[BaseRoute]:
    return [
        *_public(desk),
        Route("/satisfaction", page(desk, csat_page.show), methods=["GET"]),
        Route("/articles", page(desk, articles.show), methods=["GET"]),
        Route("/articles/{article_id:int}", page(desk, articles.one), methods=["GET"]),
    ]


def acting(desk: Desk) -> list[BaseRoute]:
    write = actions.on_ticket(desk, resolution.write)
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


def machines(desk: Desk) -> list[BaseRoute]:
    said = write_endpoint(desk, resolution.by_api)
    return [
        Route("/api/v1/tickets/{ticket_id:int}/similar", read_endpoint(desk, api.similar_to)),
        Route("/api/v1/tickets/{ticket_id:int}/resolution", said, methods=["POST"]),
        Route("/api/v1/satisfaction", read_endpoint(desk, api.satisfied)),
    ]


def _public(desk: Desk) -> list[BaseRoute]:
    """For requesters, who do not sign in."""
    return [
        Route("/rate/{token}", rating_page.show(desk), methods=["GET"]),
        Route("/rate/{token}", rating_page.vote(desk), methods=["POST"]),
        Route("/help", help_pages.show(desk), methods=["GET"]),
        Route("/help/{article_id:int}", help_pages.one(desk), methods=["GET"]),
        Route("/help/{article_id:int}/helped", help_pages.helped(desk), methods=["POST"]),
    ]
