"""Rules about single lines of a mail's text that desk/mail/line_kinds.py puts together."""
