"""The JSON API, for sessions of signed-in agents and for API tokens."""
