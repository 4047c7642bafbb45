"""What a virtual meter measures as its time goes on, from a table; load_rows.py reads it when the load changes."""

from smets.meter.measurement import Measurement
from smets.on_demand import call


class LoadTable:
    """The table at `path`. Raises ValueError when it is none, OSError when it cannot be read.

    `load` is what it says from `since_s` to before `until_s`.
    """

    def __init__(self, path):
        self.path = path
        self.load = Measurement()
        self.since_s = self.until_s = 0
        self._find(0)

    def measure(self, meter, until_s):
        """Return the load that holds up to `until_s`; `meter` lives on to where it changes before that."""
        self._find(meter.time_s)
        while self.until_s < until_s:
            meter.advance(self.until_s, self.load)
            self._find(meter.time_s)
        return self.load

    def _find(self, time_s):
        if not self.since_s <= time_s < self.until_s:
            call("smets.bench.load_rows", "find", self, time_s)
