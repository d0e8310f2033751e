"""Matching phrases and telling languages; the word tables of mail."""
