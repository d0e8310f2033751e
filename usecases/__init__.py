"""Use cases: what can happen to a ticket, a person or the desk.

Each loads, decides, stores the change with its events and enqueues jobs, in the caller's transaction.
"""
