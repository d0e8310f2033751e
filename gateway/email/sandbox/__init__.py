"""The sandbox: child processes with limits, in which untrusted mail is parsed."""
