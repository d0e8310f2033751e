"""Agents: their commands, their other addresses, and scheduled replies."""
