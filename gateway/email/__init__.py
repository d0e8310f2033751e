"""The mail channel: SMTP, LMTP and IMAP, and the sandbox in which mail is parsed."""
