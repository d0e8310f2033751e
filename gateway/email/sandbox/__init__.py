"""The sandbox: worker processes with limits, in which untrusted mail is parsed."""
