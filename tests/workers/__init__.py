"""Tests of the work behind the doors."""
