"""An event that a meter announces to its home area network (ARCHITECTURE.md, "The wire"): ZigBee's Publish Event.

EUI (8) | cluster 0709, big-endian | 19, sequence u8, 00 | Smart Energy's Publish Event, little-endian
"""

from __future__ import annotations

from dataclasses import dataclass

from construct import Bytes, Const, Int8ub, Int16ub, Int16ul, Int32ul, Struct, this

from opensmets.layouts.wire import build, parse

EVENTS_CLUSTER = 0x0709
FRAME_CONTROL, PUBLISH_EVENT = 0x19, 0x00
#: Which log an event went to, by Smart Energy's numbers.
GENERAL_LOG, SECURITY_LOG, NETWORK_LOG = 3, 4, 5
TO_HAN, TO_WAN = 1, 2


@dataclass(frozen=True, slots=True)
class HanEvent:
    """An announcement: whose (`eui`, 8 octets), of which code, when (`time_s`, seconds since 2000).

    `log` and `control` are Smart Energy's log id and event control; `sequence` counts a device's announcements by 256.
    """

    eui: bytes
    code: int
    time_s: int
    log: int = GENERAL_LOG
    control: int = TO_HAN
    sequence: int = 0
    data: bytes = b""

    @property
    def is_sent(self) -> bool:
        """Whether remote parties are told by an alert as well."""
        return bool(self.control & TO_WAN)


_LAYOUT = Struct(
    "eui" / Bytes(8), "cluster" / Const(EVENTS_CLUSTER, Int16ub), "frame_control" / Const(FRAME_CONTROL, Int8ub),
    "sequence" / Int8ub, "command" / Const(PUBLISH_EVENT, Int8ub), "log" / Int8ub, "code" / Int16ul,
    "time_s" / Int32ul, "control" / Int8ub, "size" / Int8ub, "data" / Bytes(this.size),
)  # fmt: skip


def encode(event: HanEvent) -> bytes:
    """Return the announcement's octets. Raises LayoutError when a value does not fit."""
    fields = {"eui": event.eui, "code": event.code, "time_s": event.time_s, "log": event.log, "control": event.control}
    fields |= {"sequence": event.sequence, "size": len(event.data), "data": event.data}
    return build(_LAYOUT, fields, "HAN event")


def decode(octets: bytes) -> HanEvent:
    """Read an announcement. Raises LayoutError."""
    found = parse(_LAYOUT, octets, "HAN event")
    return HanEvent(found.eui, found.code, found.time_s, found.log, found.control, found.sequence, found.data)
