"""Configuration, backup, replay and privacy as commands."""
