"""The columns that hold personal data, and how they are redacted."""
