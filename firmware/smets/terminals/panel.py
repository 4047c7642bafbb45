"""The meter's display and keypad as things on a board: keys are pressed, pages drawn, and after a while it is dark.

What the keys do and what the pages say is the meter's own (meter/screen.py). That and the display's driver are loaded
for a key and for a page; of all of it only this stays in the heap.
"""

import time

from micropython import const

from smets.on_demand import call

_SCREEN = "smets.meter.screen"
_DISPLAY = "smets.terminals.display"
_AWAKE_MS = const(120000)
"""How long it shines after a key: as long as a PIN that was given counts. Such displays burn in."""
_REDRAW_MS = const(5000)
_NO_METER = const(("NO METER YET", "", "Run:", " smets device", " provision"))


class Panel:
    """Shows a meter's pages on the display at `i2c` and takes the keys of `keypad`.

    The first key in the dark turns the display on and does nothing else. A key and a page have a round each: a small
    heap has room for one of them. `clock` has MicroPython's `ticks_ms` and `ticks_diff`.
    """

    def __init__(self, i2c, keypad, clock=time):
        self._i2c, self._keypad, self._clock = i2c, keypad, clock
        self._key_ms = clock.ticks_ms()
        self._is_awake = True
        self._drawn_ms = None

    def follow(self, meter):
        """Do what one key asks for, or show what there is to be shown. Raises OSError when no display answers."""
        now_ms = self._clock.ticks_ms()
        key = self._keypad.take()
        if key is None:
            self._refresh(meter, now_ms)
            return
        was_awake, self._is_awake = self._is_awake, True
        self._key_ms, self._drawn_ms = now_ms, None
        if was_awake and meter is not None:
            call(_SCREEN, "press", meter, key)

    def _refresh(self, meter, now_ms):
        if not self._is_awake:
            return
        if self._clock.ticks_diff(now_ms, self._key_ms) >= _AWAKE_MS:
            self._is_awake = False
            call(_DISPLAY, "turn_off", self._i2c)
        elif self._drawn_ms is None or self._clock.ticks_diff(now_ms, self._drawn_ms) >= _REDRAW_MS:
            self._drawn_ms = now_ms  # what fails now is tried again then, and not in each round
            lines = _NO_METER if meter is None else call(_SCREEN, "show", meter)[1]
            call(_DISPLAY, "show", self._i2c, lines)
