"""The page of a business calendar: business hours, public holidays and own holidays. For leads and admins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from console.admin.sla_policies import form, only_leads
from console.web.request_context import Desk, Visit, page
from desk.sla import business_hours
from desk.sla.business_hours import BadCalendar
from storage.sla import calendars
from storage.sla import policies as sla_policies
from storage.sla.calendars import CalendarRow
from usecases.sla import calendars as calendar_removal
from usecases.sla import recalculate as sla_review

MOST_LOOKED_AT = 2000
SHOWN = timedelta(days=14)
LONGEST = 4000


def routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/sla/calendars/{calendar}", page(desk, show), methods=["GET"]),
        Route("/sla/calendars/{calendar}", form(desk, change), methods=["POST"]),
    ]


def show(visit: Visit) -> Response:
    only_leads(visit)
    calendar = _asked_for(visit)
    new = {"time_zone": visit.desk.settings.time_zone, "slots": "mon-fri 09:00-17:00"}
    return _page(visit, _typed(calendar) if calendar else new, row=calendar)


def change(visit: Visit, fields: Mapping[str, str]) -> Response:
    """Preview, save or remove."""
    stored = _asked_for(visit)
    try:
        if fields.get("do") == "remove" and stored is not None:
            return _removed(visit, stored)
        row = replace(_read(fields), id=stored.id if stored else 0)
        calendars.to_calendar(row)
        other = calendars.get_by_name(visit.session, row.name)
        if other is not None and other.id != row.id:
            raise BadCalendar(f"there is another calendar {row.name!r}")
        if fields.get("do") == "preview":
            return _page(visit, fields, row=row, preview=True)
        calendars.save(visit.session, row)
    except BadCalendar as error:
        return _page(visit, fields, 422, str(error))
    return RedirectResponse("/sla?done=saved", 303)


def _removed(visit: Visit, known: CalendarRow) -> Response:
    calendar_removal.remove(visit.session, known)
    return RedirectResponse("/sla?done=removed", 303)


def _page(
    visit: Visit,
    typed: Mapping[str, str],
    status: int = 200,
    problem: str = "",
    row: CalendarRow | None = None,
    *,
    preview: bool = False,
) -> Response:
    shown = _meaning(visit, row) if row else {}
    seen = _moved(visit, row) if preview and row else None
    return visit.html(
        "admin/calendar.html",
        status,
        typed=typed,
        problem=problem,
        known=_asked_for(visit),
        seen=seen,
        most=50,
        zones=sorted(available_timezones()),
        **shown,
    )


def _meaning(visit: Visit, row: CalendarRow) -> dict[str, Any]:
    """The business hours of the next days, in the calendar's time zone."""
    calendar = calendars.to_calendar(row)
    zone = ZoneInfo(calendar.zone)
    today = visit.now.astimezone(zone).date()
    spans = business_hours.open_spans(calendar, visit.now, visit.now + SHOWN)
    off = sorted(day for day in calendar.off if today <= day < today + timedelta(days=366))
    return {"spans": [(a.astimezone(zone), b.astimezone(zone)) for a, b in spans], "off": off, "zone": calendar.zone}


def _moved(visit: Visit, row: CalendarRow) -> sla_review.Preview:
    """The tickets whose due times this calendar would change under the current policies."""
    by_id = calendars.by_id(visit.session) | {row.id: (row.name, calendars.to_calendar(row))}
    held = [sla_policies.to_policy(one, by_id) for one in sla_policies.list_all(visit.session) if one.active]
    return sla_review.preview(visit.session, held, visit.now, MOST_LOOKED_AT)


def _asked_for(visit: Visit) -> CalendarRow | None:
    """The calendar of the path; None for a new one."""
    name = visit.request.path_params["calendar"]
    if name == "new":
        return None
    calendar = calendars.get(visit.session, int(name)) if name.isascii() and name.isdigit() and len(name) < 19 else None
    if calendar is None:
        raise HTTPException(404, "There is no such calendar.")
    return calendar


def _typed(row: CalendarRow) -> dict[str, str]:
    holidays = row.holidays
    return {
        "name": row.name,
        "time_zone": row.time_zone,
        "slots": "\n".join(business_hours.line_of(slot) for slot in row.slots),
        "country": str(holidays.get("country", "")),
        "region": str(holidays.get("region", "")),
        "own": "\n".join(holidays.get("own", ())),
        "open": "\n".join(holidays.get("open", ())),
    }


def _read(fields: Mapping[str, str]) -> CalendarRow:
    lines = {
        name: [line.strip() for line in fields.get(name, "")[:LONGEST].splitlines() if line.strip()]
        for name in ("slots", "own", "open")
    }
    holidays = {"country": fields.get("country", "").strip(), "region": fields.get("region", "").strip()}
    given = holidays | {"own": lines["own"], "open": lines["open"]}
    return CalendarRow(
        name=fields.get("name", "").strip()[:100],
        time_zone=fields.get("time_zone", "").strip(),
        slots=[business_hours.slot_of(line) for line in lines["slots"]],
        holidays={name: value for name, value in given.items() if value},
    )
