"""Replies, notes, splits, merges, links, watchers, side conversations, undo."""
