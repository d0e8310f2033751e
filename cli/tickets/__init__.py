"""Tickets as commands: list, show, answer, change."""
