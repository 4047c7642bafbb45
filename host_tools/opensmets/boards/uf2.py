"""UF2: what an RP2040 in its BOOTSEL state takes as a file on its drive, 256 bytes of flash to a block of 512.

The format is Microsoft's, https://github.com/microsoft/uf2 (little-endian words; the family says what chip it is for).
"""

from __future__ import annotations

import struct

from opensmets.errors import SmetsError

_START, _SECOND, _END = 0x0A324655, 0x9E5D5157, 0x0AB16F30
_HAS_FAMILY = 0x00002000
_PAYLOAD, _BLOCK = 256, 512
_HEAD = struct.Struct("<8I")


def encode(data: bytes, address: int, family: int) -> bytes:
    """Return the UF2 that writes `data`, whole payloads of 256 bytes, to flash from `address` on."""
    if len(data) % _PAYLOAD or address % _PAYLOAD:
        raise SmetsError(f"a UF2 is of whole payloads of {_PAYLOAD} bytes")
    count = len(data) // _PAYLOAD
    blocks = []
    for number in range(count):
        start = number * _PAYLOAD
        head = _HEAD.pack(_START, _SECOND, _HAS_FAMILY, address + start, _PAYLOAD, number, count, family)
        content = (head + data[start : start + _PAYLOAD]).ljust(_BLOCK - 4, b"\0")
        blocks.append(content + struct.pack("<I", _END))
    return b"".join(blocks)


def decode(content: bytes) -> tuple[bytes, int, int]:
    """Return (data, address, family) of a UF2 of one piece. Raises SmetsError when it is none."""
    if not content or len(content) % _BLOCK:
        raise SmetsError("no UF2: its length is not one of whole blocks")
    data, first, family = [], 0, 0
    for number in range(len(content) // _BLOCK):
        block = content[number * _BLOCK : (number + 1) * _BLOCK]
        start, second, _, address, size, place, count, kind = _HEAD.unpack_from(block)
        first, family = (address, kind) if number == 0 else (first, family)
        marks = (start, second, block[-4:]) == (_START, _SECOND, struct.pack("<I", _END))
        in_turn = (place, address, kind) == (number, first + number * _PAYLOAD, family)
        if not marks or not in_turn or size != _PAYLOAD or count != len(content) // _BLOCK:
            raise SmetsError(f"no UF2 of one piece: block {number} is not what comes next")
        data.append(block[_HEAD.size : _HEAD.size + _PAYLOAD])
    return b"".join(data), first, family
