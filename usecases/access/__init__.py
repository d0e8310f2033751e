"""Access: agents' roles and members of teams; each change is audited and its people are notified."""
