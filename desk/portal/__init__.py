"""The requester pages: signed links to them, and their texts in each language."""
