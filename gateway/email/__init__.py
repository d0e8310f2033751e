"""The mail doors: SMTP, LMTP and IMAP, and the jail in which their bytes are read."""
