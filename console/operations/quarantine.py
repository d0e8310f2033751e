"""The quarantine: messages that could not be read or were refused, why, and the button to release them."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from console.web.request_context import Visit
from desk.mail.states import InboundState
from storage.mail import inbound
from storage.tickets import listings

PER_PAGE = 50
_ASIDE = (InboundState.QUARANTINED, InboundState.REFUSED, InboundState.RELEASING)


def show(visit: Visit) -> Response:
    rows = listings.list_set_aside(visit.session, _ASIDE, before=visit.before(), most=PER_PAGE + 1)
    return visit.html(
        "operations/quarantine.html", rows=rows[:PER_PAGE], more=rows[PER_PAGE - 1]["id"] if rows[PER_PAGE:] else 0
    )


def release(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Processes the message again; if it still cannot be read, it is quarantined again with the reason."""
    if not inbound.request_release(visit.session, visit.number("inbound_id")):
        raise HTTPException(409, "This is not in quarantine any more.")
    return RedirectResponse("/quarantine?done=released", 303)
