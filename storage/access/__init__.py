"""Access: which rows a viewer may see, the audit log, and API tokens."""
