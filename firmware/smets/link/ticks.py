"""Milliseconds since some moment, as MicroPython counts them, and as CPython has to."""

import time


def ticks_ms():
    """Return the count of milliseconds; on a board it wraps."""
    if hasattr(time, "ticks_ms"):
        return time.ticks_ms()
    return int(time.monotonic() * 1000)  # type: ignore[attr-defined]  # CPython


def ticks_diff(later_ms, earlier_ms):
    """Return how many milliseconds lie between two counts, wrapped or not."""
    if hasattr(time, "ticks_diff"):
        return time.ticks_diff(later_ms, earlier_ms)
    return later_ms - earlier_ms
