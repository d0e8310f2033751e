"""What time does: SLA timers, lifecycle, scheduled replies, retention, CSAT requests, roll-ups, timed rules."""
