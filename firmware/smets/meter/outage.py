"""Loss of supply and its return (GBCS 7.2.3): 0x8F35, or 0x8F36 when it was away for three minutes or more.

A polyphase meter tells of each phase: 0x8F37 to 0x8F3C.
"""

import struct

from micropython import const

from smets.meter.fields import BOOL, Component

_RESTORED = const(0x8F35)
_PHASES_RESTORED = const((0x8F37, 0x8F39, 0x8F3B))
"""Each is followed by the code of a long outage."""
_INTERRUPTED = const(0x8F57)
_LONG_OUTAGE_S = const(180)


class Outage(Component):
    """Whether there is supply, and since when there is none (`off_s`)."""

    NAME = "outage"
    FIELDS = (("off", BOOL), ("off_s", ">I"))

    def begin(self, time_s):
        """The supply is lost: everything is saved. Nothing happens when it is lost already."""
        if not self.get("off"):
            self.put("off", True)
            self.put("off_s", time_s)
            self.meter.record(_INTERRUPTED, b"", time_s)

    def end(self, time_s):
        """The supply is back. The event's body is start and end as u32 `time_s`."""
        if not self.get("off"):
            return
        start_s = self.get("off_s")
        self.put("off", False)
        is_long = time_s - start_s >= _LONG_OUTAGE_S
        for code in (_RESTORED,) if self.meter.phases == 1 else _PHASES_RESTORED:
            self.meter.record(code + is_long, struct.pack(">II", start_s, time_s), time_s)
