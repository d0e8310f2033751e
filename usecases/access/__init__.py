"""Who is an agent with which role, and who is in which team: each change is written down and told."""
