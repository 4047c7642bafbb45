"""Reference messages replayed through every level."""
