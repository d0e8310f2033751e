"""Mail: the inbound log, the outbound log, IMAP folders, the index of Message-IDs, and external references."""
