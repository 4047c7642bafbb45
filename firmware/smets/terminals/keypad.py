"""A keypad of 4 x 4 keys as sold for hobbyists: 123A 456B 789C *0#D. A key joins a row and a column."""

import time

from micropython import const

KEYS = const((
    "1", "2", "3", "next",
    "4", "5", "6", "back",
    "7", "8", "9", "clear",
    "clear", "0", "ok", "ok",
))  # fmt: skip
"""What the keys are for the meter, row by row: A turns the page and B turns it back, * and C clear, # and D are OK."""
_DOWN_US = const(3000)
"""A key that is down so long is pressed; a contact that bounces when it opens is not."""
_BOUNCE_MS = const(30)
"""A key that was pressed bounces no longer than this."""
_ROOM = const(32)
"""Keys that wait while a page is drawn: a UTRN has 20 digits."""


class Keypad:
    """Keys between `rows` (open drain, at 0 while nothing is looked for) and `columns` (inputs with a pull-up).

    `press` is the interrupt's handler, to be called whenever a column is pulled down, so that no key is lost while a
    page is loaded and drawn. `clock` has MicroPython's `ticks_ms`, `ticks_diff` and `sleep_us`.
    """

    def __init__(self, rows, columns, clock=time):
        self._rows, self._columns, self._clock = rows, columns, clock
        self._pressed = bytearray(_ROOM)
        self._in = self._out = 0
        self._last_ms = None
        for row in rows:
            row.value(0)

    def press(self, _=None):
        """Take the key that is down. Called by an interrupt: it allocates nothing. One too many is not taken."""
        now_ms = self._clock.ticks_ms()
        if self._last_ms is not None and self._clock.ticks_diff(now_ms, self._last_ms) < _BOUNCE_MS:
            return
        place = self._find()
        if place < 0:
            return
        self._clock.sleep_us(_DOWN_US)
        following = (self._in + 1) % _ROOM
        if self._find() == place and following != self._out:
            self._last_ms = now_ms
            self._pressed[self._in] = place
            self._in = following

    def take(self):
        """Return the name of the key that was pressed first of those not taken yet, None when there is none."""
        if self._out == self._in:
            return None
        place = self._pressed[self._out]
        self._out = (self._out + 1) % _ROOM
        return KEYS[place]

    def _find(self):
        """Return the place in KEYS of the key that is down, -1 when none is."""
        place, found = 0, -1
        for row in self._rows:
            row.value(1)
        for row in self._rows:
            row.value(0)
            for column in self._columns:
                if not column.value():
                    found = place
                place += 1
            row.value(1)
        for row in self._rows:
            row.value(0)
        return found
