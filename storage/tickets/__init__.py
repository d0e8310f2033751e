"""Tickets: their rows, listings, full-text search, drafts, presence, and the facts that conditions ask for."""
