"""The Slack channel: events by Socket Mode or signed HTTP become requests, committed before Slack is answered."""
