"""Average RMS voltage (SMETS2 5.6.8): averages over a measurement period, their profile, counters and alerts.

A period is a whole number of its lengths since 2000 UTC; its average goes into the phase's log with the time at which
the period ends. Thresholds are in V. Without supply nothing is measured; a period wholly without has no entry.
"""

from micropython import const

from smets.meter.fields import Component

_PHASES = const(3)
_INSIDE = const(0)
_UNDER = const(1)
_OVER = const(2)
_WENT_OVER = const(0x8002)
_WENT_UNDER = const(0x8006)
_CAME_FROM_OVER = const(0x8085)
_CAME_FROM_UNDER = const(0x8089)


class Voltage(Component):
    """Counters, thresholds and running sums, an element for each phase."""

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
    )
    METHODS = ("reset_under_counter", "reset_over_counter")

    def reset_under_counter(self, _, phase):
        """Set a phase's counter of average under voltages to 0 (ECS29e, f)."""
        self.put("under_counter", 0, phase)

    def reset_over_counter(self, _, phase):
        """Set a phase's counter of average over voltages to 0."""
        self.put("over_counter", 0, phase)

    def flow(self, start_s, duration_s, load):
        """Add to each phase's sum."""
        if not self.meter.has_supply():
            return
        for phase in range(self.meter.phases):
            self.let("sum_dv_s", self.get("sum_dv_s", phase) + load.voltage_dv[phase] * duration_s, phase)
            self.let("measured_s", self.get("measured_s", phase) + duration_s, phase)

    def next_boundary_s(self, now_s, load):
        """Return when the first of the phases' periods ends."""
        ends = [period_s - now_s % period_s for period_s in self.read("measurement_period_s")[: self.meter.phases]]
        return now_s + min(ends)

    def arrive(self, now_s, load):
        """End the periods that end now."""
        for phase in range(self.meter.phases):
            if now_s % self.get("measurement_period_s", phase) == 0 and self.get("measured_s", phase):
                self._end_period(now_s, phase)

    def _end_period(self, now_s, phase):
        measured_s = self.get("measured_s", phase)
        average_v = (self.get("sum_dv_s", phase) + 5 * measured_s) // (10 * measured_s)
        self.let("sum_dv_s", 0, phase)
        self.let("measured_s", 0, phase)
        self.meter.logs.append("voltage_%d" % (phase + 1), (now_s, average_v))
        self._judge(average_v, phase)

    def _judge(self, average_v, phase):
        """Count and report an average that leaves its band."""
        band, before = self._band(average_v, phase), self.get("band", phase)
        if band == before:
            return
        self.put("band", band, phase)
        which = phase + 1 if self.meter.phases > 1 else 0
        if before != _INSIDE:
            self.meter.record((_CAME_FROM_UNDER if before == _UNDER else _CAME_FROM_OVER) + which)
        if band != _INSIDE:
            counter = "under_counter" if band == _UNDER else "over_counter"
            self.put(counter, self.get(counter, phase) + 1, phase)
            self.meter.record((_WENT_UNDER if band == _UNDER else _WENT_OVER) + which)

    def _band(self, average_v, phase):
        if average_v > self.get("over_threshold_v", phase):
            return _OVER
        return _UNDER if average_v < self.get("under_threshold_v", phase) else _INSIDE
