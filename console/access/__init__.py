"""Sign-in, passwords, alias addresses of agents, and the linked Slack account."""
