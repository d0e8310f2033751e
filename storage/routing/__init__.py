"""Routing rules and tickets without an owner."""
