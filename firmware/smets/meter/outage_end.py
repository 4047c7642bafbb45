"""The supply's return: 0x8F35, or 0x8F36 when it was away for three minutes or more (GBCS 7.2.3). Loaded on demand.

A polyphase meter tells of each phase: 0x8F37 to 0x8F3C. A phase may lose its supply and regain it alone.
"""

import struct

from micropython import const

_RESTORED = const(0x8F35)
_PHASE_RESTORED = const(0x8F37)
"""Each is followed by the code of a long outage, and then by that of the next phase."""
_INTERRUPTED = const(0x8F57)
_PHASE_INTERRUPTED = const(0x8F58)
_LONG_OUTAGE_S = const(180)


def end(outage, time_s):
    """The supply is back, but for phases that were dead before it went."""
    outage.put("off", False)
    tell_all_restored(outage, outage.get("off_s"), time_s)


def tell_all_restored(outage, start_s, time_s):
    """Record the end of an outage of each phase that is not dead."""
    for phase in range(outage.meter.phases):
        if not outage.is_dead(phase):
            _tell_restored(outage, phase, start_s, time_s)


def lose(outage, phase, time_s):
    """A phase lost its voltage."""
    outage.put("dead", outage.get("dead") | 1 << phase)
    outage.put("dead_s", time_s, phase)
    outage.meter.record(_INTERRUPTED if outage.meter.phases == 1 else _PHASE_INTERRUPTED + phase, b"", time_s)


def regain(outage, phase, time_s):
    """A dead phase has a voltage again."""
    outage.put("dead", outage.get("dead") & ~(1 << phase))
    _tell_restored(outage, phase, outage.get("dead_s", phase), time_s)


def _tell_restored(outage, phase, start_s, time_s):
    """Record the end of a phase's outage. The event's body is start and end as u32 `time_s`."""
    code = _RESTORED if outage.meter.phases == 1 else _PHASE_RESTORED + 2 * phase
    is_long = time_s - start_s >= _LONG_OUTAGE_S
    outage.meter.record(code + is_long, struct.pack(">II", start_s, time_s), time_s)
