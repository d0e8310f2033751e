"""The priority matrix as it is stored."""
