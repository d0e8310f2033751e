"""The paths of what comes after a ticket is solved: similar tickets, how it went."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from console import rate, satisfaction
from console.accuracy import LEADS
from console.api import tickets as api
from console.door import Desk, action, page


def reading(desk: Desk) -> list[BaseRoute]:
    return [*_public(desk), Route("/satisfaction", page(desk, satisfaction.show), methods=["GET"])]


def acting(desk: Desk) -> list[BaseRoute]:
    return [Route("/satisfaction/rules", action(desk, satisfaction.set_rules, LEADS), methods=["POST"])]


def machines(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/api/v1/tickets/{ticket_id:int}/similar", api.endpoint(desk, api.similar_to)),
        Route("/api/v1/satisfaction", api.endpoint(desk, api.satisfied)),
    ]


def _public(desk: Desk) -> list[BaseRoute]:
    """For requesters, who do not sign in."""
    return [
        Route("/rate/{token}", rate.show(desk), methods=["GET"]),
        Route("/rate/{token}", rate.vote(desk), methods=["POST"]),
    ]
