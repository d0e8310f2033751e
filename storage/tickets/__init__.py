"""Tickets, their lists, full text, drafts, presence, and the facts that conditions read."""
