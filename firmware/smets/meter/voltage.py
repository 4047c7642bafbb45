"""Average RMS voltage (SMETS2 5.6.8): averages over a measurement period, their profile, counters and alerts.

A period is a whole number of its lengths since 2000 UTC; its average goes into the phase's log with the time at which
the period ends. Thresholds are in V. Without supply nothing is measured; a period wholly without has no entry.

Each phase has a range in which its voltage may move without anything to be done. Outside it, when a limit's period is
over, and when an average is not where it was or should be, voltage_watch.py is loaded.
"""

from micropython import const

from smets import on_demand
from smets.meter.fields import Component

_PHASES = const(3)
_LIMITS = const(4)
_NEVER = const(0xFFFFFFFF)
_INSIDE = const(0)
_OVER = const(2)
_WATCH = "smets.meter.voltage_watch"


class Voltage(Component):
    """Counters, thresholds and running sums, an element for each phase.

    `beyond` are the limits that a voltage was told to be beyond, a bit each; `since_s` is since when it is where it was
    not told to be, four limits a phase, 0 when it is not. `low_dv` to `high_dv` is its range, `watch_s` when the next
    period is over, 0 when all begin anew.
    """

    NAME = "voltage"
    FIELDS = (
        ("under_counter", ">I", 0, _PHASES),
        ("over_counter", ">I", 0, _PHASES),
        ("under_threshold_v", ">I", 216, _PHASES),
        ("over_threshold_v", ">I", 253, _PHASES),
        ("measurement_period_s", ">I", 1800, _PHASES, 1, 0xFFFFFFFF),
        ("sum_dv_s", ">Q", 0, _PHASES),
        ("measured_s", ">I", 0, _PHASES),
        ("band", ">B", _INSIDE, _PHASES, _INSIDE, _OVER),
        ("beyond", ">B", 0, _PHASES),
        ("since_s", ">I", 0, _PHASES * _LIMITS),
        ("low_dv", ">I", 0, _PHASES),
        ("high_dv", ">I", 0, _PHASES),
        ("watch_s", ">I"),
    )
    METHODS = ("reset_under_counter", "reset_over_counter")

    def reset_under_counter(self, _, phase):
        """Set a phase's counter of average under voltages to 0 (ECS29e, f)."""
        self.put("under_counter", 0, phase)

    def reset_over_counter(self, _, phase):
        """Set a phase's counter of average over voltages to 0."""
        self.put("over_counter", 0, phase)

    def watch(self, now_s, voltage_dv):
        """Look closer when a voltage has left its range, or it is time. Voltages are in tenths of a volt."""
        if self.meter.outage.get("off"):
            return
        if now_s < self.get("watch_s"):
            for phase in range(self.meter.phases):
                if not self.get("low_dv", phase) <= voltage_dv[phase] <= self.get("high_dv", phase):
                    break
            else:
                return
        self.meter.make_room()
        on_demand.call(_WATCH, "look", self, now_s, voltage_dv)

    def written(self, name, field, at_once):
        """Limits that were set, and a clock that was, let all periods begin anew."""
        if name in ("voltage_limits", "clock"):
            self.let("watch_s", 0)

    def flow(self, start_s, duration_s, load):
        """Add to the sum of each phase that has supply."""
        if not self.meter.has_supply():
            return
        for phase in range(self.meter.phases):
            if self.meter.outage.is_dead(phase):
                continue
            self.let("sum_dv_s", self.get("sum_dv_s", phase) + load.voltage_dv[phase] * duration_s, phase)
            self.let("measured_s", self.get("measured_s", phase) + duration_s, phase)

    def next_boundary_s(self, now_s, load):
        """Return when the first of the phases' periods ends, of an average or a limit."""
        ends = [period_s - now_s % period_s for period_s in self.read("measurement_period_s")[: self.meter.phases]]
        watch_s = self.get("watch_s") or _NEVER  # 0: without supply
        return min(now_s + min(ends), max(now_s + 1, watch_s))

    def arrive(self, now_s, load):
        """End the periods that end now."""
        if now_s >= self.get("watch_s"):
            self.watch(now_s, load.voltage_dv)
        for phase in range(self.meter.phases):
            if now_s % self.get("measurement_period_s", phase) == 0 and self.get("measured_s", phase):
                self._end_period(now_s, phase)

    def _end_period(self, now_s, phase):
        measured_s = self.get("measured_s", phase)
        average_v = (self.get("sum_dv_s", phase) + 5 * measured_s) // (10 * measured_s)
        self.let("sum_dv_s", 0, phase)
        self.let("measured_s", 0, phase)
        self.meter.logs.keep("voltage_%d" % (phase + 1), (now_s, average_v))
        low_v, high_v = self.get("under_threshold_v", phase), self.get("over_threshold_v", phase)
        if self.get("band", phase) != _INSIDE or not low_v <= average_v <= high_v:
            on_demand.call(_WATCH, "judge_average", self, average_v, phase)
