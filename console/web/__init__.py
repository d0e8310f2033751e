"""The web layer of the console: server, request context, API endpoints, rendering, health."""
