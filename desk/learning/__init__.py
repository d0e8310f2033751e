"""Training labels, which tickets to ask agents about, and when a model may take over."""
