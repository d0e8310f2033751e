"""The web channels: the request form, the inbound JSON API and the requesters' portal."""
