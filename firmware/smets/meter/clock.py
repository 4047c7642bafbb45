"""The clock: UTC in seconds since 2000, its status, and how it follows the communications hub's (GBCS 9.1).

Set Clock names only an interval: the hub's time is adopted if it lies inside and is reliable, and is refused otherwise.
The first time that this works, the meter is commissioned (0x8F69): it is what DUIS calls that (8.1.1).
A reliable clock is compared with the hub's once a day: up to 10 s it is adjusted (0x8145), beyond that it is left as it
is and no longer reliable (0x8F0C).
"""

from micropython import const

from smets.meter.errors import NotNow
from smets.meter.fields import Component

_RELIABLE = const(0)
_UNRELIABLE = const(1)
_INVALID = const(2)
_ADJUSTED = const(0x8145)
_OUTSIDE_WINDOW = const(0x81C6)
_TOO_FAR = const(0x8F0C)
_COMMISSIONED = const(0x8F69)
_MAX_ADJUSTMENT_S = const(10)
_COMPARE_EVERY_S = const(86400)
NEVER = const(0xFFFFFFFF)


class Clock(Component):
    """The meter's time and status. Without Set Clock it is invalid; stored so as to go on after a power cut."""

    NAME = "clock"
    FIELDS = (
        ("time_s", ">I"),
        ("status", ">B", _INVALID, 0, _RELIABLE, _INVALID),
        ("base", ">B", 0, 0, 0, 5),
        ("preset_s", ">I", NEVER),
        ("window_start_s", ">I"),
        ("window_end_s", ">I"),
        ("compared_s", ">I"),
    )
    METHODS = ("preset_adjusting_time", "adjust_to_preset_time")

    def __init__(self, meter):
        super().__init__(meter)
        self._hub_ahead_s = 0
        self._hub_status = _INVALID

    def write(self, name, value, index=None):
        """Set a field as any component does; the hub's clock stays where it is when the own is set."""
        before_s = self.get("time_s")
        super().write(name, value, index)
        self._hub_ahead_s -= self.get("time_s") - before_s

    def now_s(self):
        """Return the time."""
        return self.get("time_s")

    def hub_time(self, time_s, status):
        """Learn the hub's time and status; compare the own with it when it is due."""
        self._hub_ahead_s, self._hub_status = time_s - self.get("time_s"), status
        due_s = self.get("compared_s") + _COMPARE_EVERY_S
        if status == _RELIABLE and self.get("status") == _RELIABLE and self.get("time_s") >= due_s:
            self._compare()

    def written(self, name, field, at_once):
        """The clock was set: what a calendar switches is looked at anew."""
        schedule = self.meter.schedule
        if name == self.NAME and schedule.activation("!load_control.ring") != NEVER:
            schedule.call_at("load_control.forget_calendar", self.get("time_s") + 1)

    def preset_adjusting_time(self, times):
        """Take (preset, start, end) of the interval in which the clock may be set, each a `time_s`."""
        self.put("preset_s", times[0])
        self.put("window_start_s", times[1])
        self.put("window_end_s", times[2])

    def adjust_to_preset_time(self, _):
        """Adopt the hub's time. Raises NotNow without a reliable one, or (0x81C6) when it is outside the interval."""
        if self._hub_status != _RELIABLE:
            raise NotNow("there is no reliable time of the hub")
        hub_s = self.get("time_s") + self._hub_ahead_s
        if not self.get("window_start_s") <= hub_s <= self.get("window_end_s"):
            self.meter.record(_OUTSIDE_WINDOW)
            raise NotNow("the hub's time lies outside the interval")
        is_first = self.get("status") == _INVALID
        self._adopt()
        if is_first:
            self.meter.record(_COMMISSIONED)

    def _compare(self):
        if abs(self._hub_ahead_s) > _MAX_ADJUSTMENT_S:
            self.put("status", _UNRELIABLE)
            self.meter.record(_TOO_FAR)
            return
        adjusted = self._hub_ahead_s
        self._adopt()
        if adjusted:
            self.meter.record(_ADJUSTED)

    def _adopt(self):
        self.put("time_s", self.get("time_s") + self._hub_ahead_s)
        self.put("status", _RELIABLE)
        self.put("compared_s", self.get("time_s"))
        self._hub_ahead_s = 0
        self.meter.tell(self.NAME, "time_s")
