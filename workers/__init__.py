"""The Dramatiq actors: what happens to a request once it is stored."""
