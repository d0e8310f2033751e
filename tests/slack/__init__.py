"""Slack in both directions, against a local server that speaks as Slack does."""
