"""People, organisations, availability, sessions and time zones."""
