"""Pages of those who run the desk: teams, routing, rules, SLA, mailboxes, privacy."""
