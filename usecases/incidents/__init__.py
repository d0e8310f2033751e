"""Incidents: their members, duplicates, and bulk actions on all their tickets."""
