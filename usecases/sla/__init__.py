"""SLA: measuring the timers of tickets, and recalculating them when a policy changes."""
