"""Text in; a category, its probability and its reasons out. Imports nothing of the rest of the house."""
