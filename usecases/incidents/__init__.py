"""Tickets in and out of incidents, duplicates, and orders on all tickets of an incident."""
