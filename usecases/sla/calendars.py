"""A calendar is removed only while no policy, team or agent uses it."""

from __future__ import annotations

from desk.sla.business_hours import BadCalendar
from storage.db.session import Session
from storage.sla import calendars, policies
from storage.sla.calendars import CalendarRow


def remove(session: Session, calendar: CalendarRow) -> None:
    """Raises BadCalendar with the names of those that use it."""
    users = [policy.name for policy in policies.list_all(session) if policy.calendar_id == calendar.id]
    users += calendars.list_users(session, calendar.id)
    if users:
        raise BadCalendar(f"it is used by {', '.join(users)}")
    calendars.remove(session, calendar.id)
