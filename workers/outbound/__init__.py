"""Transports of outbound messages: SMTP relay, captured mail, Slack."""
