"""Rules: runs actions, automations, macros and bulk changes."""
