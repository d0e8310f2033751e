"""`up`, its supervised processes and the bundled Valkey."""
