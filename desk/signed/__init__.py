"""Signed reply addresses, Message-IDs and linking codes."""
