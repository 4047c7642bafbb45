"""P-256 point multiplication with Python integers: the back end that runs everywhere.

A point is affine (x, y) when given and returned, Jacobian (x, y, z) in between, z = 0 being infinity. Another
back end has the same three functions: `multiply_base`, `multiply` and `sum_has_x`.

The base point goes by a comb of six teeth in signed digits: 43 doublings and 43 additions from a table of 32 points.
Any other point goes by non-adjacent digits of width 5. A product costs half of a reduction modulo P here (and no
special reduction beats `%`), so sums of products are reduced once. The time taken depends on the scalar: see `p256`.
"""

from array import array

from micropython import const

from smets.crypto.comb import COLUMNS, POINTS
from smets.crypto.curve import N, P, invert

_BITS = const(257)  # a digit may carry past bit 255
_WIDTH = const(32)  # 2 ** 5
_HALF = const(16)
_TABLE = const(8)  # 1, 3 .. 15 times the point
_TEETH = const(6)
_FIELD_BYTES = const(32)
_POINT_BYTES = const(64)
_COMB_OFFSET = (1 << COLUMNS * _TEETH) - 1
_HALF_OF_ONE = (N + 1) // 2


def multiply_base(scalar):
    """Return (x, y) of `scalar` times the base point; `scalar` is 1 .. N - 1."""
    return _affine(_evaluate(None, None, _comb_digits(scalar)))


def multiply(scalar, x, y):
    """Return (x, y) of `scalar` times the point; `scalar` is 1 .. N - 1 and the point is on the curve."""
    return _affine(_evaluate(_sparse_digits(scalar), _odd_multiples(x, y), None))


def sum_has_x(base_scalar, scalar, x, y, wanted):
    """Say whether base_scalar * G + scalar * (x, y) has an x-coordinate that is `wanted` modulo N.

    Scalars are 0 .. N - 1, `wanted` 1 .. N - 1. False when the sum is infinity.
    """
    x, _, z = _evaluate(_sparse_digits(scalar), _odd_multiples(x, y), _comb_digits(base_scalar))
    if not z:
        return False
    zz = z * z % P
    return (wanted * zz - x) % P == 0 or (wanted + N < P and ((wanted + N) * zz - x) % P == 0)


def _evaluate(digits, multiples, comb):
    # One run of doublings serves both scalars. Doublings are counted and done together, before the next addition.
    x, y, z = 1, 1, 0
    due = 0
    for place in range(_BITS - 1 if digits else COLUMNS - 1, -1, -1):
        due += 1
        digit = digits[place] if digits else 0
        if digit:
            x, y, z = _double(x, y, z, due)
            x2, y2 = multiples[abs(digit) >> 1]
            x, y, z = _add(x, y, z, x2, y2 if digit > 0 else P - y2)
            due = 0
        if comb and place < COLUMNS:
            x, y, z = _double(x, y, z, due)
            x, y, z = _add(x, y, z, *_comb_point(comb[place]))
            due = 0
    return _double(x, y, z, due)


def _double(x, y, z, times):
    if not z:
        return x, y, z
    p = P
    for _ in range(times):
        zz = z * z % p
        yy = y * y % p
        slope = 3 * (x - zz) * (x + zz) % p
        xyy4 = 4 * x * yy % p
        z = 2 * y * z % p
        x = (slope * slope - 2 * xyy4) % p
        y = (slope * (xyy4 - x) - 8 * yy * yy) % p
    return x, y, z


def _add(x, y, z, x2, y2):
    # (x, y, z) + the affine (x2, y2), whatever the two are
    if not z:
        return x2, y2, 1
    p = P
    zz = z * z % p
    h = (x2 * zz - x) % p
    slope = (y2 * (z * zz % p) - y) % p
    if not h:
        return (1, 1, 0) if slope else _double(x, y, z, 1)
    hh = h * h % p
    hhh = h * hh % p
    xhh = x * hh % p
    x3 = (slope * slope - hhh - 2 * xhh) % p
    return x3, (slope * (xhh - x3) - y * hhh) % p, z * h % p


def _affine(point):
    x, y, z = point
    return _scaled(x, y, invert(z, P))


def _scaled(x, y, inverse):
    square = inverse * inverse % P
    return x * square % P, y * (square * inverse % P) % P


def _odd_multiples(x, y):
    # The affine 1, 3 .. 15 times the point
    twice = _affine(_double(x, y, 1, 1))
    points = [(x, y, 1)]
    for _ in range(_TABLE - 1):
        points.append(_add(*points[-1], *twice))
    return _all_affine(points)


def _all_affine(points):
    # One inversion for them all: of the product of every z
    products = [1]
    for point in points:
        products.append(products[-1] * point[2] % P)
    inverse = invert(products[-1], P)
    flat = []
    for i in range(len(points) - 1, -1, -1):
        x, y, z = points[i]
        flat.append(_scaled(x, y, inverse * products[i] % P))
        inverse = inverse * z % P
    flat.reverse()
    return flat


def _sparse_digits(scalar):
    # Signed odd digits below 16 in absolute value, at least four zeros after each; lowest place first
    digits = array("b", bytes(_BITS))
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


def _comb_digits(scalar):
    # Every digit is +1 or -1: bit b of the column value stands for 2b - 1, so the bits are those of
    # (scalar + 2^258 - 1) / 2 modulo N. Bit t of entry c belongs to the place c + 43 t.
    bits = ((scalar + _COMB_OFFSET) * _HALF_OF_ONE % N).to_bytes(_FIELD_BYTES + 1, "little")
    columns = bytearray(COLUMNS)
    place = 0
    for tooth in range(_TEETH):
        for column in range(COLUMNS):
            columns[column] |= (bits[place >> 3] >> (place & 7) & 1) << tooth
            place += 1
    return columns


def _comb_point(column):
    # The table has the columns whose highest digit is +1; the others are their negatives
    negative = column < _WIDTH
    entry = (column ^ 0x3F if negative else column) & 0x1F
    four, start = POINTS[entry >> 2], (entry & 3) * _POINT_BYTES
    x = int.from_bytes(four[start : start + _FIELD_BYTES], "big")
    y = int.from_bytes(four[start + _FIELD_BYTES : start + _POINT_BYTES], "big")
    return x, P - y if negative else y
