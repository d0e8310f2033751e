"""Articles, answers that can be used again, and CSAT."""
