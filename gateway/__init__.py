"""Inbound channels: each turns what it receives into an InboundRequest and stores it, then enqueues the ingest job."""
