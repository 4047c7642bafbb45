"""P-256 point multiplication with Python integers: the back end that runs everywhere.

A point is affine (x, y) when given and returned, Jacobian (x, y, z) in between, z = 0 being infinity. Another
back end has the same three functions: `multiply_base`, `multiply` and `sum_has_x`.

Scalars are taken in digits (digits.py). A product costs half of a reduction modulo P here (and no special reduction
beats `%`), so sums of products are reduced once. The time taken depends on the scalar: see `p256`.
"""

from micropython import const

from smets.crypto.curve import N, P, invert
from smets.crypto.digits import BITS, COLUMNS, comb_digits, comb_point, sparse_digits

_TABLE = const(8)  # 1, 3 .. 15 times the point


def multiply_base(scalar):
    """Return (x, y) of `scalar` times the base point; `scalar` is 1 .. N - 1."""
    return _affine(_evaluate(None, None, comb_digits(scalar)))


def multiply(scalar, x, y):
    """Return (x, y) of `scalar` times the point; `scalar` is 1 .. N - 1 and the point is on the curve."""
    return _affine(_evaluate(sparse_digits(scalar), _odd_multiples(x, y), None))


def sum_has_x(base_scalar, scalar, x, y, wanted):
    """Say whether base_scalar * G + scalar * (x, y) has an x-coordinate that is `wanted` modulo N.

    Scalars are 0 .. N - 1, `wanted` 1 .. N - 1. False when the sum is infinity.
    """
    x, _, z = _evaluate(sparse_digits(scalar), _odd_multiples(x, y), comb_digits(base_scalar))
    if not z:
        return False
    zz = z * z % P
    return (wanted * zz - x) % P == 0 or (wanted + N < P and ((wanted + N) * zz - x) % P == 0)


def _evaluate(digits, multiples, comb):
    # One run of doublings serves both scalars. Doublings are counted and done together, before the next addition.
    x, y, z = 1, 1, 0
    due = 0
    for place in range(BITS - 1 if digits else COLUMNS - 1, -1, -1):
        due += 1
        digit = digits[place] if digits else 0
        if digit:
            x, y, z = _double(x, y, z, due)
            x2, y2 = multiples[abs(digit) >> 1]
            x, y, z = _add(x, y, z, x2, y2 if digit > 0 else P - y2)
            due = 0
        if comb and place < COLUMNS:
            x, y, z = _double(x, y, z, due)
            x, y, z = _add(x, y, z, *comb_point(comb[place]))
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
