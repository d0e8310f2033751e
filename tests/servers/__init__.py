"""Real servers and whole desks that tests start."""
