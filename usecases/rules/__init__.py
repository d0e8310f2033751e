"""Running actions, automations, macros and bulk changes."""
