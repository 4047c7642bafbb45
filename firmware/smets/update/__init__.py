"""Firmware images: received, checked, put on trial. Loaded when an image arrives or a slot is tried."""
