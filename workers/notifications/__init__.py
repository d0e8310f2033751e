"""Events become outbound messages: acknowledgements, notices, reminders, alerts, reports."""
