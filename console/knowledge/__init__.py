"""Articles, help pages and the rating page."""
