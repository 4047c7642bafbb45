"""The load limit (SMETS2 5.5.9): active power import, of both elements, above a threshold for a period trips it.

A trip is reported (0x8F01) and counted, once for each time that the power stays above. If so configured it disables
the supply and arms it (0x8F33), and after the restoration period enables it again (0x8F34), unless it was changed
meanwhile.
"""

from micropython import const

from smets.meter.fields import BOOL, Component
from smets.meter.supply import ARMED, ENABLED, LOAD_LIMIT

_ABOVE_THRESHOLD = const(0x8F01)
_DISABLED_AND_ARMED = const(0x8F33)
_RESTORED = const(0x8F34)
_NO_LIMIT_W = const(0xFFFFFFFF)
_FOR_EVER_S = const(0xFFFFFFFF)


class LoadLimit(Component):
    """Threshold, periods, counter; `above_s`: how long the power is above, `restore_s`: when the supply is due."""

    NAME = "load_limit"
    FIELDS = (
        ("power_threshold_w", ">I", _NO_LIMIT_W),
        ("period_s", ">I", 300),
        ("restoration_period_s", ">I", 300),
        ("disables_supply", BOOL),
        ("counter", ">I"),
        ("above_s", ">I"),
        ("tripped", BOOL),
        ("restore_s", ">I"),
    )
    METHODS = ("reset_counter",)

    def reset_counter(self, _):
        """Set the counter of trips to 0 (ECS28b)."""
        self.put("counter", 0)

    def flow(self, start_s, duration_s, load):
        """Count how long the power has been above the threshold."""
        if self._is_above(load):
            self.let("above_s", self.get("above_s") + duration_s)
        elif self.get("above_s") or self.get("tripped"):
            self.let("above_s", 0)
            self.let("tripped", False)

    def next_boundary_s(self, now_s, load):
        """Return when the period runs out, or the supply is due back."""
        if self.get("restore_s"):
            return max(self.get("restore_s"), now_s + 1)
        if self._is_above(load) and not self.get("tripped"):
            return now_s + max(1, self.get("period_s") - self.get("above_s"))
        return None

    def arrive(self, now_s, load):
        """Trip or restore when it is time."""
        if self.get("restore_s") and now_s >= self.get("restore_s"):
            self._restore()
        if self.get("above_s") and self.get("above_s") >= self.get("period_s") and not self.get("tripped"):
            self._trip(now_s)

    def _is_above(self, load):
        return load.import_w + load.secondary_import_w > self.get("power_threshold_w")

    def _trip(self, now_s):
        self.put("tripped", True)
        self.put("counter", self.get("counter") + 1 & 0xFFFFFFFF)
        self.meter.record(_ABOVE_THRESHOLD)
        supply = self.meter.supply
        if self.get("disables_supply") and supply.get("state") == ENABLED:
            supply.change(ARMED, LOAD_LIMIT)
            self.put("above_s", 0)  # nothing flows now, and who closes at once begins anew
            self.put("tripped", False)
            self.put("restore_s", min(now_s + self.get("restoration_period_s"), _FOR_EVER_S))
            self.meter.record(_DISABLED_AND_ARMED)

    def _restore(self):
        self.put("restore_s", 0)
        supply = self.meter.supply
        if supply.get("state") == ARMED and supply.get("reason") == LOAD_LIMIT:
            supply.change(ENABLED, LOAD_LIMIT)
            self.meter.record(_RESTORED)
