"""From a claimed request to a stored ticket: match, classify, persist; and the commands that agents send by mail."""
