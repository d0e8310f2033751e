"""Dispatches the events of tickets to what follows from them."""
