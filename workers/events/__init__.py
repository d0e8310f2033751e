"""Reacts to the events of tickets."""
