"""The telephone: calls and visits that an agent writes down for somebody."""
