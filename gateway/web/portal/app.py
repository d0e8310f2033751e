"""The routes of the requesters' pages; none where the desk has switched them off, or has no address of its own."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from gateway.web.portal import my_requests, page, reply
from gateway.web.portal.access import PATH, Portal
from gateway.web.portal.request_context import action
from gateway.web.portal.request_context import page as shown
from gateway.web.request_context import Door

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
        Route(place + "/answer", action(portal, reply.answer, portal.door.limits.files), methods=["POST"]),
        Route(place + "/solved", action(portal, reply.solved), methods=["POST"]),
    ]


def _mine(portal: Portal) -> list[Route]:
    return [
        Route(PATH, shown(portal, my_requests.show)),
        Route(PATH + "/asked", shown(portal, my_requests.asked)),
        Route(PATH + "/open/{entry}", shown(portal, my_requests.knock), methods=["GET"]),
        Route(PATH + "/open/{entry}", action(portal, my_requests.open_up), methods=["POST"]),
        Route(PATH + "/ask", action(portal, my_requests.ask), methods=["POST"]),
        Route(PATH + "/leave", action(portal, my_requests.leave), methods=["POST"]),
        Route(PATH + "/void", action(portal, my_requests.void), methods=["POST"]),
    ]


def _style(request: Request) -> Response:
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return FileResponse(_STYLE, headers=headers, media_type="text/css")
