"""What can happen to a ticket, person or desk: load, decide, store, enqueue, in the transaction of the caller, with
its events."""
