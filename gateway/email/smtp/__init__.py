"""The SMTP and LMTP server: refuses early, stores the rest, answers 250 only after the commit."""
