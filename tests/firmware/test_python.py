"""The interpreter gives the device what its code stands on."""

import struct


def test_big_endian_long():
    assert struct.unpack(">Q", bytes(7) + b"\x09") == (9,)
