"""Generators of test material that know the true answer."""
