"""The HTML of mail: cleaned, as text, its quotes and links."""
