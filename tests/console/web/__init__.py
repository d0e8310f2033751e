"""What stands around every page: the server, limits, what comes in."""
