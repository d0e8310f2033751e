"""Bytes of a mail become an inbound request."""
