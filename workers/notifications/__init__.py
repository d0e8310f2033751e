"""Outbound messages made of events: acknowledgements, notices, reminders, alerts, reports."""
