"""Consistent overhead byte stuffing: octets without a 00, so that 00 can end a frame (Cheshire and Baker, 1999)."""

from __future__ import annotations

from opensmets.layouts.wire import LayoutError

_FULL_BLOCK = 254


def encode(octets: bytes) -> bytes:
    """Return `octets` stuffed, without the 00 that ends a frame."""
    out = bytearray()
    for run in octets.split(b"\0"):
        full = len(run) // _FULL_BLOCK
        for start in range(0, full * _FULL_BLOCK, _FULL_BLOCK):
            out += b"\xff" + run[start : start + _FULL_BLOCK]
        rest = run[full * _FULL_BLOCK :]
        out += bytes([len(rest) + 1]) + rest
    return bytes(out)


def decode(stuffed: bytes) -> bytes:
    """Return the octets that were stuffed. Raises LayoutError when a block is cut short or holds a 00."""
    if 0 in stuffed:
        raise LayoutError("link frame: a 00 inside the byte stuffing")
    out, position = bytearray(), 0
    while position < len(stuffed):
        code = stuffed[position]
        block = stuffed[position + 1 : position + code]
        if len(block) != code - 1:
            raise LayoutError("link frame: the byte stuffing ends inside a block")
        out += block
        position += code
        if code <= _FULL_BLOCK and position < len(stuffed):
            out.append(0)
    return bytes(out)
