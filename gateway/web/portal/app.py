"""The routes of the requesters' pages; none where the desk has switched them off, or has no address of its own."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from gateway.web.door import Door
from gateway.web.portal import answer, mine, page
from gateway.web.portal.access import PATH, Portal
from gateway.web.portal.door import action
from gateway.web.portal.door import page as shown

_STYLE = Path(__file__).parent.parent / "static" / "status.css"


def routes(door: Door) -> list[Route]:
    """By the link of one ticket, and by the cookie under /my."""
    if not (door.settings.status_pages and door.settings.public_url):
        return []
    portal = Portal(door)
    return [
        Route("/status.css", _style),
        *_ticket(portal, "/status/{token}"),
        *_ticket(portal, PATH + "/tickets/{number:int}"),
        *_mine(portal),
        Route("/request/sent/{receipt}", shown(portal, page.receipt)),
        Route("/api/v1/status/{token}", page.as_json(portal)),
    ]


def _ticket(portal: Portal, place: str) -> list[Route]:
    return [
        Route(place, shown(portal, page.show)),
        Route(place + "/files/{message:int}/{place:int}", shown(portal, page.file)),
        Route(place + "/answer", action(portal, answer.answer, portal.door.limits.files), methods=["POST"]),
        Route(place + "/solved", action(portal, answer.solved), methods=["POST"]),
    ]


def _mine(portal: Portal) -> list[Route]:
    return [
        Route(PATH, shown(portal, mine.show)),
        Route(PATH + "/asked", shown(portal, mine.asked)),
        Route(PATH + "/open/{entry}", shown(portal, mine.knock), methods=["GET"]),
        Route(PATH + "/open/{entry}", action(portal, mine.open_up), methods=["POST"]),
        Route(PATH + "/ask", action(portal, mine.ask), methods=["POST"]),
        Route(PATH + "/leave", action(portal, mine.leave), methods=["POST"]),
        Route(PATH + "/void", action(portal, mine.void), methods=["POST"]),
    ]


def _style(request: Request) -> Response:
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return FileResponse(_STYLE, headers=headers, media_type="text/css")
