"""Runtime: queue, locks, blobs, key-values, failed jobs, heartbeats, logging."""
