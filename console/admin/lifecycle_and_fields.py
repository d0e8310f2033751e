"""The page of automatic status changes and custom fields, for leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from console.web.request_context import Desk, Visit, action, page
from desk.access.permissions import Verb
from desk.tickets import fields as field_rules
from desk.tickets import lifecycle as rules
from desk.tickets.fields import Kind
from desk.tickets.lifecycle import BadLifecycle, Lifecycle
from desk.tickets.ticket import NotAllowed
from storage.tickets import lifecycle
from usecases.tickets import custom_fields

Fields = Mapping[str, str]
HERE = "/lifecycle"
WORDS: Mapping[str, tuple[str, str]] = {
    "remind_days": ("Remind after", "days without an answer from the requester; 0 is never"),
    "resolve_days": ("Resolve after", "days without an answer in all; 0 is never"),
    "close_days": ("Close after", "days after it was resolved; 0 is never"),
    "reopen_days": ("Reopen within", "days after it was closed; a later answer opens a linked ticket"),
}


def routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route(HERE, page(desk, show), methods=["GET"]),
        Route(HERE, action(desk, save_days, Verb.MANAGE), methods=["POST"]),
        Route(f"{HERE}/fields", action(desk, save_field, Verb.MANAGE), methods=["POST"]),
        Route(f"{HERE}/fields/remove", action(desk, remove_field, Verb.MANAGE), methods=["POST"]),
    ]


def show(visit: Visit) -> Response:
    visit.require(Verb.MANAGE)
    return _page(visit)


def _page(visit: Visit, problem: str = "", typed: Fields | None = None) -> Response:
    return visit.html(
        "admin/lifecycle_and_fields.html",
        422 if problem else 200,
        days=asdict(lifecycle.rules(visit.session)),
        words=WORDS,
        known=custom_fields.list_all(visit.session),
        kinds=list(Kind),
        problem=problem,
        typed=typed or {},
    )


def save_days(visit: Visit, form: Fields) -> Response:
    given = {f.name: _days(form.get(f.name, "")) for f in fields(Lifecycle)}
    try:
        lifecycle.set_rules(visit.session, rules.read(given))
    except BadLifecycle as error:
        return _page(visit, str(error), form)
    return RedirectResponse(f"{HERE}?done=saved", 303)


def save_field(visit: Visit, form: Fields) -> Response:
    """Adds a field, or changes the one with this name."""
    try:
        custom_fields.save(visit.session, _field(form))
    except NotAllowed as error:
        return _page(visit, str(error), form)
    return RedirectResponse(f"{HERE}?done=saved", 303)


def remove_field(visit: Visit, form: Fields) -> Response:
    custom_fields.remove(visit.session, form.get("name", ""))
    return RedirectResponse(f"{HERE}?done=removed", 303)


def _field(form: Fields) -> field_rules.Field:
    return field_rules.read({
        "name": form.get("name", "").strip(),
        "label": form.get("label", "").strip()[:100],
        "kind": form.get("kind", ""),
        "choices": form.get("choices", "").splitlines(),
        "categories": [line.strip() for line in form.get("categories", "").splitlines() if line.strip()],
        "required": bool(form.get("required")),
        "public": bool(form.get("public")),
    })  # fmt: skip


def _days(text: str) -> int:
    """Text that is no number becomes a number outside the range, so that the error names the range."""
    plain = text.strip()
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 9 else -1
