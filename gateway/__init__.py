"""The doors: a channel's bytes in, an InboundRequest out, written down, pushed onto the queue."""
