"""Tests of the rules of the desk."""
