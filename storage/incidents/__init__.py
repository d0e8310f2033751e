"""Rows of incidents and of the counts by which they are detected."""
