"""Signing in, passwords, and the linked Slack account."""
