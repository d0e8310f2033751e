"""Incidents: their rows, and the counts by which the detector finds them."""
