"""The inbox, the ticket page and all that is done on it."""
