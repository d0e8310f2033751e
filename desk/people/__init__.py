"""Organisations by mail domain, and mentions of colleagues."""
