"""SLA policies, calendars, holidays and timers as rows."""
