"""The smets command."""
