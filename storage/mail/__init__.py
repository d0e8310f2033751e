"""The inbound log, the outbound log, IMAP folders, the index of Message-IDs and references of other desks."""
