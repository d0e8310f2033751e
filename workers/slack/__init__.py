"""Slack: executes what agents do there, and makes the messages of a ticket's thread."""
