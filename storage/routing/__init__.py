"""Routing: its rules, and tickets without an owner."""
