"""SLA policies, business hours, and the timers of a ticket as a fold over its events."""
