"""Threads of Slack and the people behind its accounts."""
