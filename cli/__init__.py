"""The `frontdesk` command: `commands.py` lists the commands, modules declare them; here, and only here, we print."""
