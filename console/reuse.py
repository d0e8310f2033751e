"""The paths of what was solved before: similar tickets."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from console.api import tickets as api
from console.door import Desk


def machines(desk: Desk) -> list[BaseRoute]:
    return [Route("/api/v1/tickets/{ticket_id:int}/similar", api.endpoint(desk, api.similar_to))]
