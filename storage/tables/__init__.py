"""The tables, by domain."""
