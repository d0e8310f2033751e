"""What outlives a process: tables, ledgers, raw mail, and the names of the queues."""
