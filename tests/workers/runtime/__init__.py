"""How workers work what waits."""
