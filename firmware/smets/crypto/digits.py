"""Scalars in signed digits, the form in which P-256's back ends multiply points by them.

The base point goes by a comb of six teeth in signed digits: 43 doublings and 43 additions from a table of 32 points.
Any other point goes by non-adjacent digits of width 5.
"""

from array import array

from micropython import const

from smets.crypto.comb import COLUMNS, POINTS
from smets.crypto.curve import N, P

BITS = const(257)  # a digit may carry past bit 255
_WIDTH = const(32)  # 2 ** 5
_HALF = const(16)
_TEETH = const(6)
_FIELD_BYTES = const(32)
_POINT_BYTES = const(64)
_COMB_OFFSET = (1 << COLUMNS * _TEETH) - 1
_HALF_OF_ONE = (N + 1) // 2


def sparse_digits(scalar):
    """Return BITS digits, the lowest place first: odd and below 16 in absolute value, or 0, four after each odd one."""
    digits = array("b", bytes(BITS))
    place = 0
    while scalar:
        if scalar & 1:
            digit = scalar & (_WIDTH - 1)
            if digit >= _HALF:
                digit -= _WIDTH
            digits[place] = digit
            scalar -= digit
        zeros = 5 if scalar & (_WIDTH - 1) == 0 else 1
        scalar >>= zeros
        place += zeros
    return digits


def comb_digits(scalar):
    """Return COLUMNS numbers, of which bit t of number c belongs to the place c + 43 t; 1 is +1 there and 0 is -1."""
    # every digit is +1 or -1: bit b stands for 2b - 1, so the bits are those of (scalar + 2^258 - 1) / 2 modulo N
    bits = ((scalar + _COMB_OFFSET) * _HALF_OF_ONE % N).to_bytes(_FIELD_BYTES + 1, "little")
    columns = bytearray(COLUMNS)
    place = 0
    for tooth in range(_TEETH):
        for column in range(COLUMNS):
            columns[column] |= (bits[place >> 3] >> (place & 7) & 1) << tooth
            place += 1
    return columns


def comb_point(column):
    """Return the table's (x, y) of a number of `comb_digits`."""
    # the table has those whose highest digit is +1; the others are their negatives
    negative = column < _WIDTH
    entry = (column ^ 0x3F if negative else column) & 0x1F
    four, start = POINTS[entry >> 2], (entry & 3) * _POINT_BYTES
    x = int.from_bytes(four[start : start + _FIELD_BYTES], "big")
    y = int.from_bytes(four[start + _FIELD_BYTES : start + _POINT_BYTES], "big")
    return x, P - y if negative else y
