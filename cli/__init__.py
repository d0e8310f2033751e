"""The `frontdesk` command's own words: each module is one group of commands; here, and only here, we print."""
