"""Energy as pulses: from an S0 input (IEC 62053-31), and to the LED that a meter's accuracy is tested by.

An S0 meter closes its contact once for so much energy. A pulse's energy flows into the registers over as long as it
took to come, so that a constant load reads as a constant power; none is lost and none is made.
"""

import time

from micropython import const

from smets.meter.measurement import Measurement

_WS_PER_KWH = const(3600000)
_FIRST_SPREAD_MS = const(10000)
"""Over which the first pulse's energy flows: there is none before it to measure from."""
_MAX_SPREAD_MS = const(300000)
_BOUNCE_MS = const(20)
"""S0 pulses last 30 ms at least; edges closer together than this are one contact bouncing."""
_FLASH_MS = const(10)
_MAX_FLASHES = const(3)
"""In one round of the loop, so that the link waits no longer than 60 ms for it."""


class PulseInput:
    """Counts pulses of imported energy, `per_kwh` of them; `count` is the interrupt's handler.

    `clock` has MicroPython's `ticks_ms` and `ticks_diff`. Raises ValueError when a pulse is no whole number of Ws.
    """

    def __init__(self, per_kwh, clock=time):
        if per_kwh < 1 or _WS_PER_KWH % per_kwh:
            raise ValueError("pulses for a kWh: a number that divides %d" % _WS_PER_KWH)
        self._clock = clock
        self._ws_per_pulse = _WS_PER_KWH // per_kwh
        self._load = Measurement()
        self._pulses = self._taken = 0
        self._last_ms = self._seen_ms = None
        self._owed_ws = 0
        self._power_w = 0

    def count(self, _=None):
        """Take one pulse in. Called by an interrupt: it allocates nothing."""
        now_ms = self._clock.ticks_ms()
        if self._last_ms is None or self._clock.ticks_diff(now_ms, self._last_ms) >= _BOUNCE_MS:
            self._pulses = (self._pulses + 1) & 0x3FFFFFFF
            self._last_ms = now_ms

    def measure(self, meter, until_s):
        """Return the Measurement that held since the meter's time, up to `until_s`: whole watts, the rest is owed."""
        passed_s = until_s - meter.time_s
        pulses = (self._pulses - self._taken) & 0x3FFFFFFF
        if pulses:
            self._taken = (self._taken + pulses) & 0x3FFFFFFF
            self._owed_ws += pulses * self._ws_per_pulse
            self._power_w = -(-self._owed_ws * 1000 // self._spread_ms(pulses))
        self._load.import_w = min(self._power_w, self._owed_ws // passed_s)
        self._owed_ws -= self._load.import_w * passed_s
        return self._load

    def _spread_ms(self, pulses):
        """Return how long the last pulse took to come, which is how long its energy has to flow."""
        last_ms, seen_ms = self._last_ms, self._seen_ms
        self._seen_ms = last_ms
        if seen_ms is None:
            return _FIRST_SPREAD_MS
        return min(max(self._clock.ticks_diff(last_ms, seen_ms) // pulses, 1000), _MAX_SPREAD_MS)


class PulseOutput:
    """Flashes the LED on `pin` once for each Wh that is imported."""

    def __init__(self, pin):
        self._pin = pin
        self._told_wh = None

    def follow(self, meter):
        """Flash for what was imported since the last call, three times at most; the rest next time."""
        if meter is None:
            return
        now_wh = meter.read("registers.active_import_wh")
        if self._told_wh is None:
            self._told_wh = now_wh
        for _ in range(min((now_wh - self._told_wh) & 0xFFFFFFFF, _MAX_FLASHES)):
            self._told_wh = (self._told_wh + 1) & 0xFFFFFFFF
            self._flash()

    def _flash(self):
        self._pin.value(1)
        time.sleep(_FLASH_MS / 1000)
        self._pin.value(0)
        time.sleep(_FLASH_MS / 1000)
