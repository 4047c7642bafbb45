"""The clock follows the communications hub's (GBCS 9.1). Loaded by Set Clock, once a day, and after an outage.

Set Clock names only an interval: the hub's time is adopted if it lies inside and is reliable, and is refused otherwise.
The first time that this works, the meter is commissioned (0x8F69): it is what DUIS calls that (8.1.1).
A reliable clock is compared with the hub's once a day: up to 10 s it is adjusted (0x8145), beyond that it is left as it
is and no longer reliable (0x8F0C). A half hour's end that lies between is lived, without energy.
After an outage it has stood still, and follows the hub's however far (waking.py).
"""

from micropython import const

from smets.meter import waking
from smets.meter.errors import NotNow
from smets.meter.measurement import Measurement

_RELIABLE = const(0)
_UNRELIABLE = const(1)
_INVALID = const(2)
_ADJUSTED = const(0x8145)
_OUTSIDE_WINDOW = const(0x81C6)
_TOO_FAR = const(0x8F0C)
_COMMISSIONED = const(0x8F69)
_MAX_ADJUSTMENT_S = const(10)
_HALF_HOUR_S = const(1800)


def adjust(clock):
    """Adopt the hub's time. Raises NotNow without a reliable one, or when it is outside the interval."""
    if clock.hub_status != _RELIABLE:
        raise NotNow("there is no reliable time of the hub")
    hub_s = clock.get("time_s") + clock.hub_ahead_s
    if not clock.get("window_start_s") <= hub_s <= clock.get("window_end_s"):
        clock.meter.record(_OUTSIDE_WINDOW)
        raise NotNow("the hub's time lies outside the interval")
    is_first = clock.get("status") == _INVALID
    if clock.meter.outage.get("lost_s"):
        waking.wake(clock.meter, hub_s)
    _adopt(clock, hub_s)
    if is_first:
        clock.meter.record(_COMMISSIONED)


def compare(clock):
    """Follow the hub's time after an outage; else adjust the clock, or have it be unreliable, by how far it is off.

    What an outage brings with it is done wholly, or when the hub tells its time again.
    """
    meter, hub_s, ahead_s = clock.meter, clock.get("time_s") + clock.hub_ahead_s, clock.hub_ahead_s
    if meter.outage.get("lost_s"):
        waking.wake_whole(meter, hub_s)
        if ahead_s > 0:
            _adopt(clock, hub_s)
        return
    if abs(ahead_s) > _MAX_ADJUSTMENT_S:
        clock.put("status", _UNRELIABLE)
        meter.record(_TOO_FAR)
        return
    if hub_s // _HALF_HOUR_S > clock.now_s() // _HALF_HOUR_S:
        _live_until(meter, hub_s)
    _adopt(clock, hub_s)
    if ahead_s:
        meter.record(_ADJUSTED)


def _live_until(meter, hub_s):
    """Let time pass without energy, as last measured: half hours that end meanwhile have their rows."""
    meter.advance(hub_s, Measurement(voltage_dv=meter.last_load.voltage_dv))


def _adopt(clock, hub_s):
    clock.put("time_s", hub_s)
    clock.put("status", _RELIABLE)
    clock.put("compared_s", hub_s)
    clock.hub_ahead_s = 0
    clock.meter.tell(clock.NAME, "time_s")
