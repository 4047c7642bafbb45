"""DUIS request to GBCS pre-command, by service family."""
