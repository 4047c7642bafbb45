"""GeneralizedTime as GBCS has it in ASN.1, `YYYYMMDDHHMMSSZ`, and time_s."""

import struct

from micropython import const

from smets.cosem import dates
from smets.trust import der

CANCEL = const(0xFFFFFFFF)
"""What the execution time that cancels an instruction, 9999-12-31T23:59:59Z, is as time_s (GBCS 9.2.1)."""
_NEVER = const(b"99991231235959Z")
_SIZE = const(15)


def decode(content):
    """Return the time_s of a GeneralizedTime's content, CANCEL for the last one. Raises DerError for no moment."""
    text = bytes(content)
    if text == _NEVER:
        return CANCEL
    if len(text) != _SIZE or text[14:] != b"Z" or not text[:14].isdigit():
        raise der.DerError("no time in UTC")
    numbers = [int(text[place : place + 2]) for place in range(4, 14, 2)]
    month, day, hour, minute, second = numbers
    octets = struct.pack(">HBBBBBBBhB", int(text[:4]), month, day, 0xFF, hour, minute, second, 0, -0x8000, 0)
    try:
        return dates.decode(octets)
    except ValueError:
        raise der.DerError("no moment")


def encode(time_s):
    """Return the content of the GeneralizedTime of a moment."""
    octets = bytearray(dates.SIZE)
    dates.encode(time_s, octets)
    year, month, day, _, hour, minute, second = struct.unpack(">HBBBBBB", octets[:8])
    return b"%04d%02d%02d%02d%02d%02dZ" % (year, month, day, hour, minute, second)
