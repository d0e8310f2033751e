"""Rows of reports: daily roll-up, groups, schedules."""
