"""The Slack door: Socket Mode and signed HTTP events become requests; committed before the ack."""
