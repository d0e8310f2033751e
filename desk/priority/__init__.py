"""Priority: impact and urgency of a text, with the words that weighed as reasons."""
