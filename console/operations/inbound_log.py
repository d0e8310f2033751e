"""The inbound log: how many messages were accepted, their final states, and the outbound mail. The sums must match."""

from __future__ import annotations

from starlette.responses import Response

from console.web.request_context import Visit
from storage.mail import inbound, outbound


def show(visit: Visit) -> Response:
    totals = inbound.totals(visit.session, visit.now)
    settled = sum(totals.states.values())
    return visit.html(
        "operations/inbound_log.html",
        totals=totals,
        settled=settled,
        adds_up=totals.accepted == settled + totals.unsettled,
        outbound=sorted(outbound.totals(visit.session).items()),
    )
