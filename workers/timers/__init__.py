"""Timed jobs: SLA timers, lifecycle, scheduled replies, retention, CSAT requests, report roll-ups, timed rules."""
