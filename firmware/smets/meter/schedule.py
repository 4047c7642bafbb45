"""What is to happen at a time: passive values that become active (GBCS 9.2), and methods that are called.

Resident, for every step of time asks when the next is due. What is done with them is in pending.py, loaded then.
"""

from micropython import const

from smets import on_demand

NOW = const(0)
NEVER = const(0xFFFFFFFF)
_WORK = "smets.meter.pending"


class Schedule:
    """Pending activations and calls of `meter`: `pending` are (time_s, paths, origin), in the order of their coming."""

    def __init__(self, meter):
        self.meter = meter
        self.is_running = False
        self.pending = ()

    def activation(self, paths):
        """Return the time at which `paths` become active, NEVER when none is set."""
        for time_s, pending, _ in self.pending:
            if pending == paths:
                return time_s
        return NEVER

    def activate(self, paths, time_s, origin=b""):
        """Let passive values become active NOW, at a time (one that has passed: at once, with the event), or NEVER.

        Takes the place of what was pending for the same paths. Raises Refused when too many are pending.
        """
        on_demand.call(_WORK, "activate", self, paths, time_s, origin)

    def call_at(self, path, time_s):
        """Let the method `path` be called with the time at `time_s`, instead of when it was to be; NEVER: not at all.

        For cold components, through which no time flows. Raises Refused when too much is pending.
        """
        on_demand.call(_WORK, "call_at", self, path, time_s)

    def next_boundary_s(self, now_s):
        """Return when the next activation or call is due, or None."""
        times = [max(entry[0], now_s + 1) for entry in self.pending]
        return min(times) if times else None

    def is_due(self, now_s):
        """Return whether an activation or call is due."""
        return any([entry[0] <= now_s for entry in self.pending])

    def run_due(self, now_s):
        """Carry out what is due, in the order of its times and then of its coming, and record each."""
        on_demand.call(_WORK, "run_due", self, now_s)
