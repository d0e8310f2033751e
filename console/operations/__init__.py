"""The inbound log, quarantine, captured mail, failed jobs, incidents."""
