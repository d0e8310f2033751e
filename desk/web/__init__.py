"""Rules of HTTP: rate limits, client addresses, downloads, links to status pages and their texts."""
