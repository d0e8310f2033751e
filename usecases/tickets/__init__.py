"""Tickets: replies, notes, splits, merges, links, watchers, side conversations, undo."""
