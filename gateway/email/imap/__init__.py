"""Fetching mailboxes by IMAP."""
