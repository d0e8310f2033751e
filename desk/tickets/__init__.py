"""The ticket: properties, verbs, threading, commands, lifecycle, history and undo."""
