"""The configuration as JSON, in the format of `desk.toml`, and the custom fields of a ticket.

It needs an admin's session or a token with the scope `configuration` (for a ticket's fields: `tickets:write`). A POST
answers with the steps that were taken; a dry run rolls them back. An error names the entry and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from console.web.api_reading import json_response, read_endpoint
from console.web.api_writing import AuditedRefusal, write_endpoint
from console.web.request_context import Desk, Visit
from desk.access.permissions import Verb
from desk.config.desk_toml import KINDS, BadConfiguration, State, read
from desk.config.owner_settings import OwnerOnly
from desk.tickets.ticket import NotAllowed
from desk.web.public_address import networks
from storage.tickets import tickets
from usecases.config import apply as configuration
from usecases.config import export as configuration_export
from usecases.tickets import custom_fields

SCOPE = "configuration"
REFUSED = "owner_setting_refused"
"""The audit entry for a request with settings that only the owner of the machine may set."""
MOST_BODY = 1_000_000
_SETTINGS = frozenset({"dry_run", "prune"})


def routes(desk: Desk) -> list[BaseRoute]:
    apply = write_endpoint(desk, apply_configuration, scope=SCOPE, verb=Verb.CONFIGURE, most=MOST_BODY)
    return [
        Route("/api/v1/configuration", read_endpoint(desk, export_configuration, SCOPE), methods=["GET"]),
        Route("/api/v1/configuration", apply, methods=["POST"]),
        Route("/api/v1/tickets/{ticket_id:int}/fields", write_endpoint(desk, set_fields), methods=["POST"]),
    ]


def export_configuration(visit: Visit) -> Response:
    """The whole configuration, or the kinds that the query `kind` names (it may be given several times)."""
    visit.require(Verb.CONFIGURE)
    wanted = visit.request.query_params.getlist("kind") or list(KINDS)
    unknown = sorted(set(wanted) - set(KINDS))
    if unknown:
        raise HTTPException(422, f"There is no kind {unknown[0]}; there are {', '.join(KINDS)}.")
    state = configuration_export.current_configuration(visit.session)
    return json_response({kind: _entries(kind, state) for kind in wanted})


def apply_configuration(visit: Visit, body: Mapping[str, Any]) -> dict[str, Any]:
    """Applies the given entries in one transaction."""
    dry, prune = (_flag(body, name) for name in ("dry_run", "prune"))
    allowed = networks(visit.desk.settings.internal_networks)
    try:
        wanted = read({kind: entries for kind, entries in body.items() if kind not in _SETTINGS})
        with visit.session.connection.begin_nested() as point:
            steps = configuration.apply_from_http(visit.session, wanted, visit.now, allowed, prune=prune)
            warnings = configuration.warnings(visit.session)
            if dry:
                point.rollback()
    except OwnerOnly as error:
        raise AuditedRefusal(str(error), visit.session.viewer, REFUSED, {"why": error.place}) from error
    except BadConfiguration as error:
        raise NotAllowed(str(error)) from error
    return {"dry_run": dry, "steps": [asdict(step) for step in steps], "warnings": warnings}


def set_fields(visit: Visit, body: Mapping[str, Any]) -> dict[str, Any]:
    """Sets custom fields by their names; null clears one. All or none are set."""
    ticket = tickets.get(visit.session, visit.number("ticket_id"), lock=True)
    if ticket is None:
        raise HTTPException(404, "There is no such ticket.")
    for name, value in body.items():
        if not isinstance(value, str | int | float | None):
            raise HTTPException(422, f"{name} should be a text, a number, true, false or null.")
        change = custom_fields.fill_field(visit.session, ticket, name, value, visit.actor, visit.now)
        ticket = tickets.save(visit.session, change)
    return {"id": ticket.id, "fields": dict(ticket.fields), "version": ticket.version}


def _entries(kind: str, state: State) -> list[dict[str, Any]] | dict[str, Any]:
    """The entries of a kind as `desk.toml` has them: a list of tables, or one table for a kind without names."""
    key = KINDS[kind].key
    if not key:
        return dict(next(iter(state[kind].values()), {}))
    return [{key: name, **entry} for name, entry in state[kind].items()]


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise HTTPException(422, f"{name} should be true or false.")
    return value
