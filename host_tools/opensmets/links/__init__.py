"""The ways to a device: serial port, pty, UDP; framing, locking, capture."""
