"""The inbox, the ticket page, and the actions of agents on tickets."""
