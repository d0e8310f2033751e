"""The tests. Names are sentences; services are real ones, started by the tests themselves on this machine only."""
