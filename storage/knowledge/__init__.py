"""Knowledge: articles, and the requesters' CSAT ratings."""
