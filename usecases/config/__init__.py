"""Configuration: applies and exports `desk.toml`."""
