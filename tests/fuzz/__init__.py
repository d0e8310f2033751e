"""Long runs of random mail against the reader, behind `make fuzz`; what they find becomes a test in tests/email."""
