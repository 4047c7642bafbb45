"""The general-block-transfer APDU (IEC 62056-5-3 clause 7.3.13), in which a long message goes in blocks.

    E0 | block-control | block number u16 | number confirmed u16 | length, octets

Block-control is a bit for the last block, one for streaming (another block follows before a confirmation is waited
for) and the window: how many blocks its sender takes before it confirms. An APDU without octets confirms: `confirmed`
is the last block that its sender has without a gap. With both numbers zero it ends a transfer that cannot go on.

The limits of the host stand here. GBCS's notes and the reference messages name none, so they are the project's; the
device's own are in firmware/smets/message/envelope.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from construct import BitsInteger, BitStruct, Bytes, Const, Flag, Int16ub, Struct, this

from opensmets.layouts.wire import Length, build, parse

__all__ = ["BLOCK", "MAX_COMMAND", "MAX_MESSAGE", "MAX_WHOLE", "WINDOW", "Block", "decode", "encode", "is_block"]

#: The longest message taken: 13 months of half hours of a twin element meter are 228,672 octets of rows (SMETS2 5.7.5).
MAX_MESSAGE = 262_144
#: The longest command that a device takes, and the longest that is sent in one link frame: all of the reference's fit.
MAX_COMMAND, MAX_WHOLE = 17408, 4352
#: Octets of a block that is sent.
BLOCK = 1024
#: Blocks that are sent, or taken, before a confirmation.
WINDOW = 6
#: The widest window that block-control can name.
MAX_WINDOW = 63
TAG = 0xE0
#: Octets of an APDU before its length.
FIXED = 6


@dataclass(frozen=True, slots=True)
class Block:
    """One APDU: block `number` of a message, or without `octets` a confirmation of the other side's."""

    number: int
    confirmed: int
    octets: bytes = b""
    last: bool = False
    streaming: bool = False
    window: int = WINDOW

    @property
    def ends(self) -> bool:
        """Whether this says that a transfer cannot go on."""
        return not (self.number or self.confirmed or self.octets)


_BLOCK = Struct(
    "tag" / Const(bytes((TAG,))),
    "control" / BitStruct("last" / Flag, "streaming" / Flag, "window" / BitsInteger(6)),
    "number" / Int16ub,
    "confirmed" / Int16ub,
    "size" / Length,
    "octets" / Bytes(this.size),
)


def is_block(octets: bytes) -> bool:
    """Return whether octets of the message channel are of a transfer in blocks, not a message."""
    return octets[:1] == bytes((TAG,))


def encode(block: Block) -> bytes:
    """Return the APDU. Raises LayoutError when a field does not fit."""
    control = {"last": block.last, "streaming": block.streaming, "window": block.window}
    fields = {"control": control, "number": block.number, "confirmed": block.confirmed}
    return build(_BLOCK, fields | {"size": len(block.octets), "octets": block.octets}, "block")


def decode(octets: bytes) -> Block:
    """Read an APDU. Raises LayoutError naming the field that is wrong."""
    fields = parse(_BLOCK, octets, "block")
    control = fields.control
    return Block(fields.number, fields.confirmed, fields.octets, control.last, control.streaming, control.window)
