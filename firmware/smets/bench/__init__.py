"""Bench control: typed setters, faults, load and time. In the image only when asked for."""
