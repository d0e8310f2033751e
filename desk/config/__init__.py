"""The settings of processes (`FRONTDESK_*`) and the desk's own configuration (`desk.toml`)."""
