"""Administration: teams, routing, rules, automations, SLA, lifecycle and fields, mailboxes, signatures, privacy."""
