"""What is counted of a ticket, and the tables of a report."""
