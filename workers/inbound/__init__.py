"""From a claimed request to a stored ticket: match, classify, persist; and what agents write by mail."""
