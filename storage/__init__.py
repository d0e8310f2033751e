"""The store: tables, rows and files that outlive a process, and the names of the queues."""
