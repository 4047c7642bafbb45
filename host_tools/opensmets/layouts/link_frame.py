"""The link frame between host and device, before byte stuffing (ARCHITECTURE.md, "The wire").

    channel u8 | payload | CRC-32 of both, little-endian

and the payload of the hub-time channel. Byte stuffing is `opensmets.links.cobs`.
"""

from __future__ import annotations

from binascii import crc32
from dataclasses import dataclass
from enum import IntEnum

from construct import Bytes, Int8ub, Int32ub, Int32ul, OneOf, Struct, this

from opensmets.layouts.wire import LayoutError, build, parse

MAX_PAYLOAD = 8192
#: Octets of a frame beside its payload.
OVERHEAD = 5


class Channel(IntEnum):
    """What a frame carries."""

    MESSAGES = 0
    HUB_TIME = 1
    BENCH = 2
    FIRMWARE_IMAGE = 3
    LOG = 4
    PROVISIONING = 5
    HAN_EVENT = 6


class ClockStatus(IntEnum):
    """How far a device may trust the hub's clock."""

    RELIABLE = 0
    UNRELIABLE = 1
    INVALID = 2


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: its channel (a Channel; an unknown number stays a number) and at most MAX_PAYLOAD octets."""

    channel: int
    payload: bytes


_BODY = Struct("channel" / Int8ub, "payload" / Bytes(this._params.payload_size), "check" / Int32ul)
_HUB_TIME = Struct("time_s" / Int32ub, "status" / OneOf(Int8ub, [int(status) for status in ClockStatus]))


def encode(frame: Frame) -> bytes:
    """Return the frame's octets, not yet stuffed. Raises LayoutError when the payload is too long."""
    if len(frame.payload) > MAX_PAYLOAD:
        raise LayoutError(f"link frame: payload: {len(frame.payload)} octets, more than the {MAX_PAYLOAD} it may have")
    head = {"channel": int(frame.channel), "payload": frame.payload}
    check = crc32(frame.payload, crc32(bytes([frame.channel])))
    return build(_BODY, head | {"check": check}, "link frame", payload_size=len(frame.payload))


def decode(octets: bytes) -> Frame:
    """Read a frame's octets. Raises LayoutError when their number or the CRC is wrong."""
    if not OVERHEAD <= len(octets) <= MAX_PAYLOAD + OVERHEAD:
        raise LayoutError(f"link frame: {len(octets)} octets, not {OVERHEAD} to {MAX_PAYLOAD + OVERHEAD}")
    fields = parse(_BODY, octets, "link frame", payload_size=len(octets) - OVERHEAD)
    if fields.check != crc32(octets[:-4]):
        raise LayoutError("link frame: check: the CRC is wrong")
    channel = fields.channel
    return Frame(Channel(channel) if channel in list(Channel) else channel, fields.payload)


def encode_hub_time(time_s: int, status: ClockStatus = ClockStatus.RELIABLE) -> bytes:
    """Return the hub-time payload; `time_s` counts from 2000-01-01T00:00:00Z."""
    return build(_HUB_TIME, {"time_s": time_s, "status": int(status)}, "hub time")


def decode_hub_time(payload: bytes) -> tuple[int, ClockStatus]:
    """Return (time_s, status) of a hub-time payload. Raises LayoutError."""
    fields = parse(_HUB_TIME, payload, "hub time")
    return fields.time_s, ClockStatus(fields.status)
