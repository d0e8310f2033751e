"""The routes of the portal; none where the desk has switched it off or has no public URL."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from gateway.web.portal import my_requests, page, reply
from gateway.web.portal.access import PATH, Portal
from gateway.web.portal.endpoints import posting_endpoint
from gateway.web.portal.endpoints import reading_endpoint as shown
from gateway.web.request_context import RequestContext

_STYLE = Path(__file__).parent.parent / "static" / "status.css"


def routes(context: RequestContext) -> list[Route]:
    """By the link of one ticket, and by the cookie under /my."""
    if not (context.settings.status_pages and context.settings.public_url):
        return []
    portal = Portal(context)
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
        Route(place + "/answer", posting_endpoint(portal, reply.answer, portal.context.limits.files), methods=["POST"]),
        Route(place + "/solved", posting_endpoint(portal, reply.solved), methods=["POST"]),
    ]


def _mine(portal: Portal) -> list[Route]:
    return [
        Route(PATH, shown(portal, my_requests.show)),
        Route(PATH + "/asked", shown(portal, my_requests.link_requested)),
        Route(PATH + "/open/{entry}", shown(portal, my_requests.confirm_entry), methods=["GET"]),
        Route(PATH + "/open/{entry}", posting_endpoint(portal, my_requests.begin_session), methods=["POST"]),
        Route(PATH + "/ask", posting_endpoint(portal, my_requests.request_link), methods=["POST"]),
        Route(PATH + "/leave", posting_endpoint(portal, my_requests.sign_out), methods=["POST"]),
        Route(PATH + "/void", posting_endpoint(portal, my_requests.revoke_links), methods=["POST"]),
    ]


def _style(request: Request) -> Response:
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return FileResponse(_STYLE, headers=headers, media_type="text/css")
