"""The ticket: its data, events, transitions, properties, threading, commands, lifecycle, history and undo."""
