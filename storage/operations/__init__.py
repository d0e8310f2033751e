"""Backup, restore, blob garbage collection, and the store of a replay."""
