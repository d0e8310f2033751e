"""Roles, teams and who may own what."""
