"""Privacy: the columns that hold personal data, and their redaction."""
