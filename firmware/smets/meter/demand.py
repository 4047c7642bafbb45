"""Energy by half hours and days: the profile logs, the consumption logs, and maximum demand (SMETS2 5.7.4, 5.7.5).

Everything here is the growth of the energy registers from one half hour of UTC to the next. A half hour whose start
was not seen, after the clock was set or while there was no supply, has no row and no demand: nothing is made up. A
row bears the time at which its half hour or day ended. The maximum demand is the largest average power of a half hour.
"""

from micropython import const

from smets import on_demand
from smets.meter.cold import ColdComponent

_HALF_HOUR_S = const(1800)
_DAY_S = const(86400)
_NEVER = const(0xFFFFFFFF)
_TURN = const(0xFFFFFFFF)
_REGISTERS = (
    "active_import_wh", "secondary_active_import_wh", "active_export_wh", "reactive_export_varh", "reactive_import_varh"
)  # fmt: skip
_PERIOD = [2, (">H", ">H", 4, 3, 2, 5, 5)]
"""Index, script (1 begins, 2 ends), time of day, week days, special days, first and last date; at most two."""


class Demand(ColdComponent):
    """Maxima of power in W, each with when it was (`_s`) and when it was last reset; `period` is the configurable time.

    `read_*` are the registers as they were at `read_s`, the last half hour; `day_import_wh` at `day_s`.
    """

    NAME = "demand"
    FIELDS = (
        ("import_w", ">I"),
        ("import_s", ">I", _NEVER),
        ("import_reset_s", ">I", _NEVER),
        ("configurable_w", ">I"),
        ("configurable_s", ">I", _NEVER),
        ("configurable_reset_s", ">I", _NEVER),
        ("export_w", ">I"),
        ("export_s", ">I", _NEVER),
        ("export_reset_s", ">I", _NEVER),
        ("read_s", ">I"),
        ("read", ">I", 0, 5),
        ("day_s", ">I"),
        ("day_import_wh", ">I"),
    )
    NESTED = (("period", _PERIOD),)
    METHODS = ("reset_import", "reset_configurable", "reset_export")

    def reset_import(self, _):
        """Begin anew with the maximum demand of active import (ECS57)."""
        self._reset_maximum("import")

    def reset_configurable(self, _):
        """Begin anew with the maximum demand in the configurable time (ECS57)."""
        self._reset_maximum("configurable")

    def reset_export(self, _):
        """Begin anew with the maximum demand of active export (ECS57)."""
        self._reset_maximum("export")

    def half_hour(self, now_s):
        """Log the half hour that ends, and see whether it was the one of the largest demand."""
        grown = self._growth()
        if self.get("read_s") == now_s - _HALF_HOUR_S:
            logs = self.meter.logs
            logs.keep("import_profile", (now_s, grown[0], grown[1]))
            logs.keep("export_profile", (now_s, grown[2], grown[3]))
            logs.keep("reactive_profile", (now_s, grown[4]))
            self._note_demand(now_s, 2 * (grown[0] + grown[1]), 2 * grown[2])
        self.put("read_s", now_s)

    def midnight(self, now_s):
        """Log the day that ends: what was consumed, and the export register as it stands."""
        import_wh = (self.get("read", 0) + self.get("read", 1)) & _TURN
        if self.get("day_s") == now_s - _DAY_S:
            self.meter.logs.append_once("daily_consumption", (now_s, (import_wh - self.get("day_import_wh")) & _TURN))
        self.meter.logs.append_once("export_daily", (now_s, self.get("read", 2)))
        self.put("day_s", now_s)
        self.put("day_import_wh", import_wh)

    def _growth(self):
        """Return what each register grew by, and remember how it stands."""
        grown = []
        for place, name in enumerate(_REGISTERS):
            value = self.meter.read("registers." + name)
            grown.append((value - self.get("read", place)) & _TURN)
            self.put("read", value, place)
        return grown

    def _note_demand(self, now_s, import_w, export_w):
        self._note("import", now_s, import_w)
        self._note("export", now_s, export_w)
        period = self.get_nested("period")
        if period and on_demand.call("smets.meter.demand_period", "holds", period, now_s - _HALF_HOUR_S):
            self._note("configurable", now_s, import_w)

    def _note(self, name, now_s, power_w):
        if power_w > self.get(name + "_w"):
            self.put(name + "_w", min(power_w, _TURN))
            self.put(name + "_s", now_s)

    def _reset_maximum(self, name):
        self.put(name + "_w", 0)
        self.put(name + "_s", _NEVER)
        self.put(name + "_reset_s", self.meter.time_s)


COLD = (Demand,)
