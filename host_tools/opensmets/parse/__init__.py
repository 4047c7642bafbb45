"""GBCS response or alert to MMC XML."""
