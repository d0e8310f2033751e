"""The web server of the console: request context, rendering, health."""
