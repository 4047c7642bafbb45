"""Loss of supply (GBCS 7.2.3): 0x8F57, or of one phase of three 0x8F58 to 0x8F5A.

A polyphase meter goes on while one of its phases has a voltage. Cold are outage_end.py, which tells of the supply's
return, and voltage_watch.py, which finds that a phase has none.
"""

from micropython import const

from smets import on_demand
from smets.meter.fields import BOOL, Component

_INTERRUPTED = const(0x8F57)


class Outage(Component):
    """Whether the meter is without supply, and since when (`off_s`); which phases are `dead`, a bit each, and since.

    `lost_s`: it started after a loss of supply since then, and does not know yet for how long (waking.py); 0: it does.
    """

    NAME = "outage"
    FIELDS = (("off", BOOL), ("off_s", ">I"), ("dead", ">B"), ("dead_s", ">I", 0, 3), ("lost_s", ">I"))

    def is_complete(self):
        """Return whether nothing supplies the meter: it was cut off, or no phase has a voltage."""
        return self.get("off") or self.get("dead") == (1 << self.meter.phases) - 1

    def is_dead(self, phase):
        """Return whether a phase has no voltage."""
        return bool(self.get("dead") >> phase & 1)

    def begin(self, time_s):
        """The supply is lost: everything is saved. Nothing happens when it is lost already."""
        if self.get("off"):
            return
        self.tell_lost(time_s)
        self.put("off", True)
        self.put("off_s", time_s)

    def tell_lost(self, time_s):
        """Record the loss of what supply there is; the voltage is watched anew when it is back."""
        if not self.is_complete():
            self.meter.record(_INTERRUPTED, b"", time_s)
        self.meter.voltage.let("watch_s", 0)

    def end(self, time_s):
        """The supply is back, but for phases that were dead before it went."""
        if self.get("off"):
            on_demand.call("smets.meter.outage_end", "end", self, time_s)
