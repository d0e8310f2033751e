"""The console: the web pages of agents, the JSON API, and the public help and rating pages."""
