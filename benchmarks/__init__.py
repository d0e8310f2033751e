"""How fast and how dear Frontdesk is on this machine: real servers, real mails, each figure as a ratio of one run.

It takes nothing but the machine, and returns a table and a file in `results/`. It is no test: nothing fails on a
time.
"""
