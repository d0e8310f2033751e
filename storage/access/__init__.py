"""Who sees which rows, the audit log, and API tokens."""
