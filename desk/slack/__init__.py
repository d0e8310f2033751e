"""Slack: markup, and the schema of agents' orders."""
