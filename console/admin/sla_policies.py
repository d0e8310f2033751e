"""The pages of SLA policies: their order, a preview of changed due times, and the recalculation. For leads and admins.

A preview only reads, so that looking at many tickets blocks no writer. The recalculation runs in the background.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, replace
from typing import Any

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from console.admin import condition_form
from console.admin.condition_form import Groups
from console.web.request_context import Desk, Visit, check_csrf, page, read_fields, redirect_to_sign_in, signed_in_visit
from desk.access.permissions import Verb
from desk.priority.levels import Priority
from desk.rules.actions import BadAction
from desk.rules.conditions import BadCondition
from desk.sla.policy import FLEETING, BadPolicy, Target
from desk.web.clean_input import read_json
from storage.sla import calendars
from storage.sla import policies as sla_policies
from storage.sla import timers as sla_timers
from storage.sla.policies import PolicyRow
from usecases.sla import recalculate as sla_review
from usecases.sla.recalculate import Preview

MOST_LOOKED_AT = 2000
MOST_SHOWN = 50
LONGEST = 20_000
Act = Callable[[Visit, Mapping[str, str]], Response]


def routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/sla", page(desk, show), methods=["GET"]),
        Route("/sla/policies/{policy}", page(desk, policy), methods=["GET"]),
        Route("/sla/policies/{policy}", form(desk, change), methods=["POST"]),
        Route("/sla/recalculate", form(desk, recalculate), methods=["POST"]),
    ]


def form(desk: Desk, act: Act) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """An endpoint for leads: it writes, unless the form asks for a preview."""

    def perform(request: Request, fields: Mapping[str, str]) -> Response:
        database = desk.store.database
        with database.reading() if fields.get("do") == "preview" else database.transaction() as session:
            visit = signed_in_visit(desk, request, session)
            if visit is None:
                return redirect_to_sign_in(request)
            check_csrf(desk, request, fields, visit.cookie)
            only_leads(visit)
            return act(visit, fields)

    async def endpoint(request: Request) -> Response:
        return await anyio.to_thread.run_sync(perform, request, await read_fields(request))

    return endpoint


def only_leads(visit: Visit) -> None:
    visit.require(Verb.MANAGE)


def show(visit: Visit) -> Response:
    """Policies, calendars, and the number of running and breached targets."""
    only_leads(visit)
    return visit.html(
        "admin/sla.html",
        policies=sla_policies.list_all(visit.session),
        calendars=calendars.list_all(visit.session),
        names={row.id: row.name for row in calendars.list_all(visit.session)},
        clocks=sla_timers.counts(visit.session, visit.now),
        progress=sla_review.progress(visit.session),
        targets=list(Target),
    )


def policy(visit: Visit) -> Response:
    """The form of one policy, or of a new one."""
    only_leads(visit)
    stored = _asked_for(visit)
    if stored is None:
        return _page(visit, {"warn_percent": "80", "active": "1", "pause.resolution": "1"})
    return _page(visit, _typed(stored), groups=condition_form.rows_of(stored.conditions))


def change(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Preview, save or remove; or add or remove a row of the form."""
    stored = _asked_for(visit)
    groups = condition_form.edited(condition_form.rows_of_form(fields), fields.get("do", ""))
    if groups is not None:
        return _page(visit, fields, groups=groups)
    if fields.get("do") == "remove" and stored is not None:
        sla_policies.remove(visit.session, stored.id)
        return _changed(visit, f"policy {stored.name} is gone", "removed")
    try:
        row = replace(_read(fields), id=stored.id if stored else 0)
        if fields.get("do") == "preview":
            return _page(visit, fields, seen=_preview(visit, row))
        other = sla_policies.get_by_name(visit.session, row.name)
        if other is not None and other.id != row.id:
            raise BadPolicy(f"there is another policy {row.name!r}")
        sla_policies.save(visit.session, row)
    except (BadPolicy, BadCondition, BadAction) as error:
        return _page(visit, fields, 422, str(error))
    return _changed(visit, f"policy {row.name} changed", "saved")


def recalculate(visit: Visit, _fields: Mapping[str, str]) -> Response:
    return _changed(visit, f"asked by {visit.actor.name}", "asked")


def _changed(visit: Visit, why: str, done: str) -> Response:
    sla_review.request_recalculation(visit.session, visit.now, why)
    return RedirectResponse(f"/sla?done={done}", 303)


def _page(
    visit: Visit,
    typed: Mapping[str, str],
    status: int = 200,
    problem: str = "",
    seen: Preview | None = None,
    groups: Groups | None = None,
) -> Response:
    return visit.html(
        "admin/sla_policy.html",
        status,
        typed=typed,
        problem=problem,
        seen=seen,
        most=MOST_SHOWN,
        known=_asked_for(visit),
        facts=condition_form.facts(visit.session, FLEETING),
        ops=condition_form.OPS,
        kinds=condition_form.KINDS,
        groups=groups or condition_form.rows_to_show(typed),
        targets=list(Target),
        priorities=list(Priority),
        calendars=calendars.list_all(visit.session),
    )


def _asked_for(visit: Visit) -> PolicyRow | None:
    """The policy of the path; None for a new one."""
    name = visit.request.path_params["policy"]
    if name == "new":
        return None
    stored = sla_policies.get(visit.session, int(name)) if name.isascii() and name.isdigit() else None
    if stored is None:
        raise HTTPException(404, "There is no such policy.")
    return stored


def _preview(visit: Visit, row: PolicyRow) -> Preview:
    others = [one for one in sla_policies.list_all(visit.session) if one.id != row.id]
    policies = sla_policies.to_policies(visit.session, [*others, row])
    return sla_review.preview(visit.session, policies, visit.now, MOST_LOOKED_AT)


def _typed(row: PolicyRow) -> dict[str, str]:
    """A policy as values of its form."""
    typed = {name: str(value) for name, value in asdict(row).items() if name in ("name", "position", "warn_percent")}
    typed |= {"calendar": str(row.calendar_id or ""), "active": "1" if row.active else ""}
    deep = condition_form.rows_of(row.conditions) is None
    for name, kept in (("conditions", row.conditions if deep else []), ("escalations", row.escalations)):
        typed[name] = "\n".join(json.dumps(one, ensure_ascii=False) for one in kept)
    for target in Target:
        given = row.targets.get(target) or {}
        times = given if isinstance(given, Mapping) else dict.fromkeys(Priority, given)
        typed |= {f"{target}.{priority}": str(times[priority]) for priority in Priority if priority in times}
    return typed | {f"pause.{target}": "1" for target in row.targets.get("pause", [Target.RESOLUTION])}


def _read(fields: Mapping[str, str]) -> PolicyRow:
    """The posted values, not yet validated."""
    targets: dict[str, Any] = {}
    for target in Target:
        times = {str(p): text for p in Priority if (text := fields.get(f"{target}.{p}", "").strip())}
        targets |= {str(target): times} if times else {}
    targets["pause"] = [str(target) for target in Target if fields.get(f"pause.{target}")]
    return PolicyRow(
        name=fields.get("name", "").strip()[:100],
        targets=targets,
        conditions=_lines(fields, "conditions") or condition_form.conditions(condition_form.rows_of_form(fields)),
        escalations=_lines(fields, "escalations"),
        calendar_id=_whole(fields, "calendar") or None,
        warn_percent=_whole(fields, "warn_percent"),
        position=_whole(fields, "position"),
        active=bool(fields.get("active")),
    )


def _lines(fields: Mapping[str, str], name: str) -> list[Any]:
    """One JSON value per line, or one list of them."""
    text = fields.get(name, "")[:LONGEST].replace("\r\n", "\n").strip()
    try:
        if text.startswith("["):
            return list(read_json(text))
        return [read_json(line) for line in text.split("\n") if line.strip()]
    except (ValueError, TypeError) as error:
        raise BadPolicy(f"{name}: this is no JSON ({error})") from error


def _whole(fields: Mapping[str, str], name: str) -> int:
    text = fields.get(name, "").strip() or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadPolicy(f"{name}: {text!r} should be a whole number")
    return int(text)
