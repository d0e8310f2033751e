"""The web doors: the form page and the inbound JSON API."""
