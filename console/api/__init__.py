"""The JSON behind the pages, for agents' sessions and for tokens."""
