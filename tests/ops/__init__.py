"""Tests of running the desk: the command, the supervisor, the settings, the doctor."""
