"""Loss of supply and its return (GBCS 7.2.3): 0x8F35, or 0x8F36 when it was away for three minutes or more.

A polyphase meter tells of each phase: 0x8F37 to 0x8F3C. It goes on while one of its phases has a voltage; of a phase
that has none 0x8F58 to 0x8F5A tell.
"""

import struct

from micropython import const

from smets.meter.fields import BOOL, Component

_RESTORED = const(0x8F35)
_PHASE_RESTORED = const(0x8F37)
"""Each is followed by the code of a long outage, and then by that of the next phase."""
_INTERRUPTED = const(0x8F57)
_PHASE_INTERRUPTED = const(0x8F58)
_LONG_OUTAGE_S = const(180)


class Outage(Component):
    """Whether the meter is without supply, and since when (`off_s`); which phases are `dead`, a bit each, and since."""

    NAME = "outage"
    FIELDS = (("off", BOOL), ("off_s", ">I"), ("dead", ">B"), ("dead_s", ">I", 0, 3))

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
        if not self.is_complete():
            self.meter.record(_INTERRUPTED, b"", time_s)
        self.put("off", True)
        self.put("off_s", time_s)
        self.meter.voltage.pause()

    def end(self, time_s):
        """The supply is back, but for phases that were dead before it went."""
        if not self.get("off"):
            return
        self.put("off", False)
        for phase in range(self.meter.phases):
            if not self.is_dead(phase):
                self._tell_restored(phase, self.get("off_s"), time_s)

    def lose(self, phase, time_s):
        """A phase lost its voltage."""
        self.put("dead", self.get("dead") | 1 << phase)
        self.put("dead_s", time_s, phase)
        self.meter.record(_INTERRUPTED if self.meter.phases == 1 else _PHASE_INTERRUPTED + phase, b"", time_s)

    def regain(self, phase, time_s):
        """A dead phase has a voltage again."""
        self.put("dead", self.get("dead") & ~(1 << phase))
        self._tell_restored(phase, self.get("dead_s", phase), time_s)

    def _tell_restored(self, phase, start_s, time_s):
        """Record the end of a phase's outage. The event's body is start and end as u32 `time_s`."""
        code = _RESTORED if self.meter.phases == 1 else _PHASE_RESTORED + 2 * phase
        is_long = time_s - start_s >= _LONG_OUTAGE_S
        self.meter.record(code + is_long, struct.pack(">II", start_s, time_s), time_s)
