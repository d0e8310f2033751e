"""What agents do in Slack, and what Slack is told of a ticket."""
