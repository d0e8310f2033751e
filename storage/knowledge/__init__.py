"""Rows of articles and CSAT."""
