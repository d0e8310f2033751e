"""Slack: its threads, and the agents behind its accounts."""
