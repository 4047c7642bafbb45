"""The clock: UTC in seconds since 2000, its status, and how it follows the communications hub's (GBCS 9.1).

What is done with the hub's time is in clock_setting.py, loaded by Set Clock, once a day, and after an outage.
"""

from micropython import const

from smets import on_demand
from smets.meter.fields import Component

_RELIABLE = const(0)
_INVALID = const(2)
_COMPARE_EVERY_S = const(86400)
NEVER = const(0xFFFFFFFF)
_SETTING = "smets.meter.clock_setting"


class Clock(Component):
    """The meter's time and status. Without Set Clock it is invalid; stored so as to go on after a power cut.

    The hub's time is `hub_ahead_s` ahead of it, as reliable as `hub_status`.
    """

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
        self.hub_ahead_s = 0
        self.hub_status = _INVALID

    def write(self, name, value, index=None):
        """Set a field as any component does; the hub's clock stays where it is when the own is set."""
        before_s = self.get("time_s")
        super().write(name, value, index)
        self.hub_ahead_s -= self.get("time_s") - before_s

    def now_s(self):
        """Return the time."""
        return self.get("time_s")

    def hub_time(self, time_s, status):
        """Learn the hub's time and status; follow it after an outage, and compare the own with it when it is due."""
        self.hub_ahead_s, self.hub_status = time_s - self.get("time_s"), status
        due_s = 0 if self.meter.outage.get("lost_s") else self.get("compared_s") + _COMPARE_EVERY_S
        if status == _RELIABLE and self.get("status") == _RELIABLE and self.get("time_s") >= due_s:
            on_demand.call(_SETTING, "compare", self)

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
        on_demand.call(_SETTING, "adjust", self)
