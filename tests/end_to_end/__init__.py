"""Tests against the real firmware in a real MicroPython process."""
