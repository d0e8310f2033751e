"""`desk.toml` applied and exported."""
