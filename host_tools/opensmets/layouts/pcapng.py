"""The blocks of a pcapng file (draft-ietf-opsawg-pcapng) that a capture of link frames needs.

A frame's payload stands in Wireshark's own link type 252 (upper PDU), whose tag names the dissector to give it to.
"""

from __future__ import annotations

from construct import (
    Aligned,
    Bytes,
    Const,
    GreedyBytes,
    GreedyRange,
    Int16ub,
    Int16ul,
    Int32ul,
    Int64sl,
    Prefixed,
    Struct,
    this,
)

from opensmets.layouts.wire import build

SECTION_HEADER, INTERFACE, ENHANCED_PACKET = 0x0A0D0D0A, 1, 6
LINK_TYPE_UPPER_PDU = 252
COMMENT, USER_APPLICATION, INTERFACE_NAME, PACKET_FLAGS = 1, 4, 2, 2
INBOUND, OUTBOUND = 1, 2
_END, _DISSECTOR_NAME = 0, 12

_OPTION = Aligned(4, Struct("code" / Int16ul, "value" / Prefixed(Int16ul, GreedyBytes)))
_OPTIONS = GreedyRange(_OPTION)
_UPPER_PDU = Struct(
    "tags" / GreedyRange(Struct("code" / Int16ub, "value" / Prefixed(Int16ub, GreedyBytes))),
    "payload" / GreedyBytes,
)
_BLOCK = Struct(
    "type" / Int32ul,
    "length" / Int32ul,
    "body" / Bytes(this.length - 12),
    "length_again" / Int32ul,
)
_SECTION_BODY = Struct(
    "byte_order" / Const(0x1A2B3C4D, Int32ul),
    "major" / Const(1, Int16ul),
    "minor" / Const(0, Int16ul),
    "section_length" / Const(-1, Int64sl),
    "options" / _OPTIONS,
)
_INTERFACE_BODY = Struct(
    "link_type" / Int16ul, "reserved" / Const(0, Int16ul), "snapshot_length" / Const(0, Int32ul), "options" / _OPTIONS
)
_PACKET_BODY = Struct(
    "interface" / Const(0, Int32ul),
    "time_high" / Int32ul,
    "time_low" / Int32ul,
    "captured_length" / Int32ul,
    "original_length" / Int32ul,
    "data" / Aligned(4, Bytes(this.captured_length)),
    "options" / _OPTIONS,
)


def _option(code: int, value: bytes) -> dict[str, object]:
    return {"code": code, "value": value}


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return build(_BLOCK, {"type": kind, "length": length, "body": body, "length_again": length}, "pcapng block")


def section_header(application: str) -> bytes:
    """Return the block that opens a file."""
    options = [_option(USER_APPLICATION, application.encode()), _option(_END, b"")]
    return _block(SECTION_HEADER, build(_SECTION_BODY, {"options": options}, "pcapng section"))


def interface(name: str) -> bytes:
    """Return the block that describes the one interface; packets are upper PDUs, times are in microseconds."""
    options = [_option(INTERFACE_NAME, name.encode()), _option(_END, b"")]
    fields = {"link_type": LINK_TYPE_UPPER_PDU, "options": options}
    return _block(INTERFACE, build(_INTERFACE_BODY, fields, "pcapng interface"))


def packet(time_us: int, direction: int, dissector: str, payload: bytes, comment: str) -> bytes:
    """Return one packet for `dissector`, INBOUND or OUTBOUND, `time_us` after 1970."""
    name = dissector.encode()
    tags = [_option(_DISSECTOR_NAME, name + bytes(-len(name) % 4)), _option(_END, b"")]
    data = build(_UPPER_PDU, {"tags": tags, "payload": payload}, "pcapng packet")
    options = [
        _option(COMMENT, comment.encode()),
        _option(PACKET_FLAGS, direction.to_bytes(4, "little")),
        _option(_END, b""),
    ]
    fields = {
        "time_high": time_us >> 32,
        "time_low": time_us & 0xFFFFFFFF,
        "captured_length": len(data),
        "original_length": len(data),
        "data": data,
        "options": options,
    }
    return _block(ENHANCED_PACKET, build(_PACKET_BODY, fields, "pcapng packet"))
