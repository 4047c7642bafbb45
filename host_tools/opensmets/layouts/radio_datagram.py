"""A datagram of the radio link: `kind u8 | epoch (4) | number u16 | octets`, at most MTU octets in all.

What is in it is a piece of the stream of link frames; an acknowledgement repeats the head that it is for, without any.
"""

from __future__ import annotations

from dataclasses import dataclass

from construct import Bytes, GreedyBytes, Int8ub, Int16ub, Struct

from opensmets.layouts.wire import LayoutError

TO_DEVICE, TO_HOST, ACKNOWLEDGED = 1, 2, 0x80
MTU, HEAD = 250, 7
PAYLOAD = MTU - HEAD
_KINDS = {TO_DEVICE, TO_HOST, TO_DEVICE | ACKNOWLEDGED, TO_HOST | ACKNOWLEDGED}
_LAYOUT = Struct("kind" / Int8ub, "epoch" / Bytes(4), "number" / Int16ub, "octets" / GreedyBytes)


@dataclass(frozen=True, slots=True)
class Datagram:
    """One datagram: which way and what for, who sent it since when, its number, and its octets."""

    kind: int
    epoch: bytes
    number: int
    octets: bytes = b""

    @property
    def acknowledgement(self) -> Datagram:
        """The datagram that says that this one is here."""
        return Datagram(self.kind | ACKNOWLEDGED, self.epoch, self.number)


def encode(datagram: Datagram) -> bytes:
    """Return what goes on the air. Raises LayoutError when it is longer than MTU."""
    if len(datagram.octets) > PAYLOAD:
        raise LayoutError(f"radio datagram: {len(datagram.octets)} octets, and it takes {PAYLOAD}")
    content = {
        "kind": datagram.kind, "epoch": datagram.epoch, "number": datagram.number, "octets": datagram.octets,
    }  # fmt: skip
    return bytes(_LAYOUT.build(content))


def decode(octets: bytes) -> Datagram:
    """Return the datagram. Raises LayoutError when it is none of this link."""
    if not HEAD <= len(octets) <= MTU or octets[0] not in _KINDS:
        raise LayoutError(f"radio datagram: {len(octets)} octets that are none of this link")
    parsed = _LAYOUT.parse(octets)
    return Datagram(parsed.kind, parsed.epoch, parsed.number, parsed.octets)
