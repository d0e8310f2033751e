"""Privacy: export, retention and erasure of personal data."""
