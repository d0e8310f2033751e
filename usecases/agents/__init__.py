"""What agents do by command, and replies that are sent later."""
