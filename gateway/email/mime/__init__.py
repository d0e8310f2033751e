"""MIME: header fields, charsets, parts, addresses, and facts of a header."""
