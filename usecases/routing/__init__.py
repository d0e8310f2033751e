"""Assigning tickets, and trying routing rules on past ones."""
