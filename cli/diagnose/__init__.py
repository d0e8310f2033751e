"""Doctor, inbound log, queue, captured mail."""
