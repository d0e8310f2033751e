"""Routing: assigns tickets, and tries routing rules on past ones."""
