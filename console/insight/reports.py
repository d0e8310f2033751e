"""Reports on volume, response and resolution times, SLA and CSAT; as a page, as CSV and as JSON.

Leads and admins see all teams, agents their own tickets and teams; private teams are only for their members. A token
with the scope `tickets` sees what is not private.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from console.insight import charts
from console.web.api_reading import read_endpoint
from console.web.request_context import Desk, Visit, page
from desk.access.permissions import Verb
from desk.channels import Channel
from desk.priority.levels import Priority
from desk.reports import period
from desk.reports import tables as report_tables
from desk.reports.period import BadPeriod, Period
from desk.reports.report import Report
from desk.reports.spreadsheet import BOM
from storage.people import people
from storage.reports import report as report_rows
from storage.reports.report import ReportQuery
from storage.tickets import listings

PERIODS = (
    ("7d", "7 days"),
    ("30d", "30 days"),
    ("90d", "90 days"),
    ("365d", "A year"),
    ("week", "Last week"),
    ("month", "Last month"),
)
_ATTACHED = 'attachment; filename="report-{}-{}.{}"'


def routes(desk: Desk) -> list[BaseRoute]:
    return [
        Route("/reports", page(desk, show)),
        Route("/reports.csv", page(desk, as_csv)),
        Route("/reports.json", page(desk, as_json)),
        Route("/api/v1/reports", read_endpoint(desk, api_report)),
    ]


def show(visit: Visit) -> Response:
    asked = visit.request.query_params
    report = _report(visit)
    tables = {table.name: table for table in report_tables.tables(report)}
    kept = {key: value for key, value in asked.items() if value}
    leads = _leads(visit)
    return visit.html(
        "insight/reports.html",
        report=report,
        tables=tables,
        summary=report_tables.summary(report),
        nearness=report_tables.nearness(report),
        shown=report_tables.shown,
        chart=charts.day_chart(report.days),
        week=charts.week_chart(report.hours, report_tables.DAYS),
        asked=asked,
        periods=PERIODS,
        chosen="" if asked.get("from") or asked.get("to") else asked.get("period", "30d"),
        query=urlencode(kept),
        leads=leads,
        teams=[team for team in people.all_teams(visit.session) if leads or team.id in _own_teams(visit)],
        agents=[agent for agent in people.all_agents(visit.session) if agent.active] if leads else [],
        categories=listings.known_categories(visit.session),
        priorities=list(Priority),
        channels=list(Channel),
    )


def as_csv(visit: Visit) -> Response:
    """One figure per line; no cell is a formula."""
    report = _report(visit)
    text = report_tables.as_csv(report_tables.tables(report))
    return Response(BOM + text, media_type="text/csv; charset=utf-8", headers=_attached(report.period, "csv"))


def as_json(visit: Visit) -> Response:
    report = _report(visit)
    return Response(to_json(report), media_type="application/json", headers=_attached(report.period, "json"))


def to_json(report: Report) -> str:
    """The whole report; times in ISO 8601, durations in seconds."""
    return json.dumps(asdict(report), ensure_ascii=False, default=_plain)


def api_report(visit: Visit) -> Response:
    """`period`, or `from` and `to`; `team`, `agent`, `channel`, `category`, `priority`."""
    return Response(to_json(_report(visit)), media_type="application/json")


def _report(visit: Visit) -> Report:
    asked = visit.request.query_params
    zone = visit.desk.settings.time_zone
    try:
        days = period.read(asked.get("from", ""), asked.get("to", ""), zone, visit.now, asked.get("period", "30d"))
    except BadPeriod as error:
        raise HTTPException(400, f"This is no period: {error}.") from None
    report = report_rows.report(visit.session, days, _asked(visit, asked), visit.now)
    # Agents compare themselves with their team, not with each other.
    return (
        report if _leads(visit) else replace(report, agents=[one for one in report.agents if one.id == visit.agent.id])
    )


def _asked(visit: Visit, asked: QueryParams) -> ReportQuery:
    return ReportQuery(
        team=_number(asked.get("team", "")),
        agent=visit.agent.id if asked.get("agent") == "me" else _number(asked.get("agent", "")),
        channel=asked.get("channel", ""),
        category=asked.get("category", ""),
        priority=asked.get("priority", ""),
        seen_by=None if _leads(visit) else (_own_teams(visit), visit.agent.id),
    )


def _leads(visit: Visit) -> bool:
    """Whether the viewer sees all agents side by side; a token was created by an admin."""
    return visit.may(Verb.MANAGE)


def _own_teams(visit: Visit) -> tuple[int, ...]:
    return report_rows.teams_of(visit.session, visit.agent.id)


def _attached(days: Period, kind: str) -> dict[str, str]:
    return {"Content-Disposition": _ATTACHED.format(days.first, days.last, kind)}


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (datetime, date)) else str(value)
