"""Detects incidents and groups their tickets."""
