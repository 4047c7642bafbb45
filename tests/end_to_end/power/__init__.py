"""A meter whose flash is recorded write by write, and booted again from every point of the recording."""
