"""Commands of those who run the desk."""
