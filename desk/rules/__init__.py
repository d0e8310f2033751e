"""Conditions, actions, automations, macros and keyword rules."""
