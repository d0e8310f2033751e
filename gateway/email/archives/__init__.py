"""Mail from archives: mbox files and folders, for a replay."""
