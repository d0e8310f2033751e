"""Reports by mail: the last whole week or month to each recipient, once, in the desk's time zone.

No private ticket is counted in them, because a mail may be forwarded to anybody.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import partial

import structlog

from desk.access.visibility import Viewer
from desk.mail.content import MailContent
from desk.mail.states import OutboundKind
from desk.reports import period
from desk.reports import tables as report_tables
from desk.reports.period import Period
from desk.reports.report import Report
from storage.access import visibility
from storage.db.session import Session
from storage.mail import outbound
from storage.mail.outbound_message import OutboundMessage
from storage.open_store import Store
from storage.people import people
from storage.reports import report as report_rows
from storage.reports import schedules as report_schedules
from storage.reports.report import ReportQuery
from storage.reports.schedules import Schedule
from storage.runtime import failures
from workers.runtime import isolation

log = structlog.get_logger()

JOB = "reports"

_MOST_LINES = 12


def send_due(store: Store, now: datetime) -> int:
    """Stores the mails of all reports that are due; returns how many. One that fails does not block the others."""
    with store.database.reading() as session:
        waiting, put_off = report_schedules.due_schedules(session, now), failures.waiting(session, JOB, now)
    ready = [schedule for schedule in waiting if schedule.id not in put_off]
    return sum(isolation.alone(store.database, JOB, each.id, partial(_send, store, each, now), now) for each in ready)


def compose(store: Store, session: Session, schedule: Schedule, now: datetime) -> list[OutboundMessage]:
    """One mail to each recipient, about the last whole week or month."""
    days = period.of_word(schedule.every, store.settings.time_zone, now)
    content = schedule.content
    asked = ReportQuery(
        team=content.get("team"),
        channel=content.get("channel", ""),
        category=content.get("category", ""),
        priority=content.get("priority", ""),
    )
    with visibility.reading_as(session, Viewer(hidden=visibility.private_teams(session))):
        report_data = report_rows.report(session, days, asked, now)
    boxes = people.all_mailboxes(session)
    sender = boxes[0].address if boxes else f"support@{store.settings.mail_domain or 'localhost'}"
    text = report_text(report_data, schedule.name, store.settings.public_url)
    return [_mail(store, schedule, days, sender, address, text) for address in schedule.recipients]


def report_text(report: Report, name: str, public_url: str) -> str:
    """The report as a mail says it: lines of a name and its figures, which any program shows as they are."""
    days = report.period
    parts = [f"{name}: {days.first} to {days.last} ({days.zone}), beside the {days.length} days before."]
    shown = report_tables.shown
    parts.append(
        "\n".join(
            f"{what}: {shown(now)}" + ("" if before is None else f" (before: {shown(before)})")
            for what, now, before in report_tables.summary(report)
        )
    )
    for table in report_tables.tables(report):
        if table.name in ("Times", "Promises kept", "Opened by category", "Teams") and table.rows:
            lines = [_line(table.columns[1:], row) for row in table.rows[:_MOST_LINES]]
            parts.append("\n".join([f"{table.name}:", *lines]))
    parts += filter(None, [report_tables.nearness(report)])
    if public_url:
        parts.append(f"All of it: {public_url.rstrip('/')}/reports?from={days.first}&to={days.last}")
    return "\n\n".join(parts)


def _line(columns: tuple[str, ...], row: tuple[object, ...]) -> str:
    report_data = (f"{column} {report_tables.shown(value)}" for column, value in zip(columns, row[1:], strict=True))
    return f"- {row[0]}: {', '.join(report_data)}"


def _send(store: Store, schedule: Schedule, now: datetime) -> int:
    with store.database.reading() as session:
        mails = compose(store, session, schedule, now)
    next_at = period.next_start(schedule.every, store.settings.time_zone, now)
    with store.database.transaction() as session:
        if not report_schedules.set_next(session, schedule, next_at):
            return 0
        outbound.store(session, mails, now)
    log.info("report_written", schedule_id=schedule.id, messages=len(mails))
    return len(mails)


def _mail(store: Store, schedule: Schedule, days: Period, sender: str, address: str, text: str) -> OutboundMessage:
    key = f"report:{schedule.name}:{days.first}:{days.last}:{address}"
    unique = hashlib.sha256(key.encode() + store.secret).hexdigest()[:20]
    content = MailContent(
        mailbox=sender,
        from_name=store.settings.desk_name,
        to=address,
        reply_to=sender,
        subject=f"{schedule.name}: {days.first} to {days.last}",
        text=text,
        automatic=True,
    )
    # Not one of our signed Message-IDs: an answer to it belongs to no ticket.
    return OutboundMessage(key, OutboundKind.REPORT, address, f"report.{unique}@{sender.rpartition('@')[2]}", content)
