"""Pins and a watchdog for the unix port, in memory: `main.py` runs there as it does on a board, and tests look on.

The level of each pin is in the file `pins.json` where the program runs, and what was written to I2C is in `i2c.txt`, a
line in hexadecimal each time: if a test has made them.
"""

import json
import os
from binascii import hexlify

PWRON_RESET, HARD_RESET, WDT_RESET = 1, 2, 3


class Pin:
    """A pin by its number; inputs are pulled up until the file `pins.json` says otherwise."""

    IN, OUT, PULL_UP, IRQ_FALLING, OPEN_DRAIN = 0, 1, 2, 3, 4

    def __init__(self, number, mode=IN, pull=None, value=None):
        self._number = str(number)
        if mode in (Pin.OUT, Pin.OPEN_DRAIN):
            self.value(value or 0)

    def value(self, level=None):
        """Set the level, or return it."""
        levels = _read()
        if level is None:
            return levels.get(self._number, 1)
        levels[self._number] = level
        _write(levels)
        return None

    def irq(self, handler, trigger):
        """Do nothing: nobody pulls these pins down so fast that it takes an interrupt."""


class SoftI2C:
    """An I2C bus on which everybody acknowledges."""

    def __init__(self, scl, sda, freq):
        self._frequency_hz = freq

    def writeto(self, address, octets):
        """Write down what is sent."""
        if _is_there("i2c.txt"):
            with open("i2c.txt", "a") as file:
                file.write(hexlify(bytes((address,)) + octets).decode() + "\n")


class WDT:
    """A watchdog that is fed and never bites; `pins.json` has how often, as `watchdog`."""

    def __init__(self, timeout):
        self._timeout_ms = timeout

    def feed(self):
        """Count."""
        levels = _read()
        levels["watchdog"] = levels.get("watchdog", 0) + 1
        _write(levels)


def reset_cause():
    """Return why the program was started: what `pins.json` has as `reset_cause`, or else that its supply came."""
    return _read().get("reset_cause", PWRON_RESET)


def reset():
    """End the program: whoever started it starts it again."""
    raise SystemExit


def _read():
    try:
        with open("pins.json") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def _write(levels):
    if _is_there("pins.json"):
        with open("pins.json", "w") as file:
            json.dump(levels, file)


def _is_there(path):
    """Return whether a test looks on."""
    try:
        os.stat(path)
    except OSError:
        return False
    return True
