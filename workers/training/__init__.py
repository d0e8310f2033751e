"""Trains a classifier model in a process of its own and evaluates it before it may take over."""
