"""Tests of the console: its pages, its door and its JSON."""
