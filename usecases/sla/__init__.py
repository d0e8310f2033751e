"""Measuring the clocks of a ticket, and recalculating them when a policy changes."""
