"""Tests of whole desks as real processes."""
