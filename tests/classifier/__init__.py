"""Tests of the classifier room: no database, no network, no other room."""
