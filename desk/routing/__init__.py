"""Which team and agent get a ticket: rules, skills, load and hours."""
