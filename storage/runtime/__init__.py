"""What the processes need: queue, locks, blobs, key-values, dead letters, logging."""
