"""Incidents: when many reports of one kind are no coincidence, which texts are alike, and the priority that follows."""
