"""P-256 point multiplication for cores with Thumb: formulas as programs for `field_thumb`, the rest in Python.

The same three functions as `point_ints`, by the same ways. A point is Jacobian, in Montgomery's form, in three slots,
and is doubled or added to in one call. Doubling is dbl-2001-b and adding an affine point madd of the Explicit-Formulas
Database (short Weierstrass curves, a = -3). The time taken depends on the scalar: see `p256`.

A program is written in four hexadecimal digits an instruction: 1 multiply, 2 add or 3 subtract, then the slots of the
result and of both operands.
"""

from micropython import const

from smets.crypto.curve import N, P
from smets.crypto.digits import BITS, COLUMNS, comb_digits, comb_point, sparse_digits
from smets.crypto.field_thumb import run

_SLOT_BYTES = const(32)
_SLOTS = const(16)
_TABLE = const(8)  # 1, 3 .. 15 times the point
_X, _Y, _Z = const(3), const(4), const(5)
_X2, _Y2 = const(6), const(7)  # the affine point that is added
_A, _B, _C, _D = const(8), const(9), const(10), const(11)  # for one formula's use; 12 and 13 too
_KEPT = const(13)
_ONE = const(14)
_INTO = const(15)  # 2^512, which as a factor turns a number into Montgomery's form


def _program(text):
    """Return the program of the digits; spaces are for readers."""
    return bytes([int(digit, 16) for digit in text if digit != " "]) + bytes(4)


_DOUBLE = _program(
    "1855 1944 1A39"  # zz, yy, beta = x * yy
    "3B38 2C38 1BBC 2CBB 2BCB"  # alpha = 3 (x - zz) (x + zz)
    "1545 2555"  # z = 2 y z
    "2AAA 2AAA 2CAA 13BB 333C"  # x = alpha^2 - 8 beta
    "3AA3 14BA 1999 2999 2999 2999 3449"  # y = alpha (4 beta - x) - 8 yy^2
)
_COMPARE = _program("1855 1958 1A68 38A3 1979 3994")  # 8: x2 zz - x, 9: y2 z zz - y
_ADD = _program("1A88 1B8A 1A3A 1558 1399 333B 333A 333A 3AA3 1A9A 1B4B 34AB")
_NEGATE = _program("3B77 37B7")
_ENTER = _program("166F 177F")
_SQUARE = _program("1888")
_SCALE_BY_Z = _program("1855 1668 1858 1778")  # (x2, y2) as it is on the curve on which (x, y) is affine
_TIMES_KEPT = _program("155D")
_NEXT_PRODUCT = _program("1889")
_TO_AFFINE = _program("1B89 188A 19BB 1669 19B9 1779")  # 8: 1/(z of all before), 9: product before, A: z
_LEAVE = _program("1A88 163A 1A8A 174A 166B 177B")  # 8: 1/z, B: 1, which as a factor ends Montgomery's form
_X_DIFFERS = _program("166F 1855 1886 3883")

_INVERSION = ((1, 9, 10), (2, 10, 11), (4, 11, 12), (8, 12, 0), (8, 12, 0), (4, 11, 0), (2, 10, 13), (2, 10, 6),
              (32, 9, 0), (128, 6, 0), (32, 6, 0), (30, 13, 0), (2, 9, 0))  # fmt: skip
"""How P - 2 is made of squarings: how many, then the slot to multiply by, and the one to keep it in (0: none)."""

_slots = bytearray(_SLOT_BYTES * _SLOTS)
_views = [memoryview(_slots)[_SLOT_BYTES * slot : _SLOT_BYTES * (slot + 1)] for slot in range(_SLOTS)]
_ZEROS = (bytes(_SLOT_BYTES), P.to_bytes(_SLOT_BYTES, "little"))


def multiply_base(scalar):
    """Return (x, y) of `scalar` times the base point; `scalar` is 1 .. N - 1."""
    _evaluate(None, None, comb_digits(scalar))
    return _affine()


def multiply(scalar, x, y):
    """Return (x, y) of `scalar` times the point; `scalar` is 1 .. N - 1 and the point is on the curve."""
    _evaluate(sparse_digits(scalar), _odd_multiples(x, y), None)
    return _affine()


def sum_has_x(base_scalar, scalar, x, y, wanted):
    """Say whether base_scalar * G + scalar * (x, y) has an x-coordinate that is `wanted` modulo N.

    Scalars are 0 .. N - 1, `wanted` 1 .. N - 1. False when the sum is infinity.
    """
    if not _evaluate(sparse_digits(scalar), _odd_multiples(x, y), comb_digits(base_scalar)):
        return False
    for candidate in (wanted, wanted + N):
        if candidate < P:
            _put(_X2, candidate)
            run(_X_DIFFERS, _slots, 1)
            if _is_zero(_A):
                return True
    return False


def _evaluate(digits, multiples, comb):
    # As in point_ints: one run of doublings serves both scalars. Says whether the sum is finite.
    _put(_ONE, (1 << 256) % P)
    _put(_INTO, (1 << 512) % P)
    finite, due = False, 0
    for place in range(BITS - 1 if digits else COLUMNS - 1, -1, -1):
        due += 1
        digit = digits[place] if digits else 0
        if digit:
            _double(finite, due)
            _views[_X2][:], _views[_Y2][:] = multiples[abs(digit) >> 1]
            if digit < 0:
                run(_NEGATE, _slots, 1)
            finite, due = _add(finite), 0
        if comb and place < COLUMNS:
            _double(finite, due)
            _enter(*comb_point(comb[place]))
            finite, due = _add(finite), 0
    _double(finite, due)
    return finite


def _double(finite, times):
    if finite and times:
        run(_DOUBLE, _slots, times)


def _add(finite):
    """Add the affine point to the other, whatever the two are; say whether the sum is finite."""
    if not finite:
        _copy(_X, _X2)
        _copy(_Y, _Y2)
        _copy(_Z, _ONE)
        return True
    run(_COMPARE, _slots, 1)
    if not _is_zero(_A):
        run(_ADD, _slots, 1)
    elif _is_zero(_B):
        run(_DOUBLE, _slots, 1)
    else:
        return False
    return True


def _odd_multiples(x, y):
    """Return the affine 1, 3 .. 15 times the point, each (x, y) as it lies in a slot.

    Twice the point, Jacobian, is affine on the curve that its z makes of this one; there all are added up, and that z
    goes into theirs. So one inversion serves them all: of the product of every z.
    """
    _put(_ONE, (1 << 256) % P)
    _put(_INTO, (1 << 512) % P)
    _enter(x, y)
    _add(False)
    run(_DOUBLE, _slots, 1)
    run(_SCALE_BY_Z, _slots, 1)
    _copy(_KEPT, _Z)
    twice = bytes(_views[_X]), bytes(_views[_Y])
    _add(False)
    _views[_X2][:], _views[_Y2][:] = twice
    points = []
    for _ in range(_TABLE):
        z = bytes(_views[_Z])
        run(_TIMES_KEPT, _slots, 1)
        points.append((bytes(_views[_X]), bytes(_views[_Y]), bytes(_views[_Z])))
        _views[_Z][:] = z
        _add(True)
    return _all_affine(points)


def _all_affine(points):
    _copy(_A, _ONE)
    products = []
    for _, _, z in points:
        products.append(bytes(_views[_A]))
        _views[_B][:] = z
        run(_NEXT_PRODUCT, _slots, 1)
    _invert()
    flat = []
    for place in range(len(points) - 1, -1, -1):
        _views[_X2][:], _views[_Y2][:], _views[_C][:] = points[place]
        _views[_B][:] = products[place]
        run(_TO_AFFINE, _slots, 1)
        flat.append((bytes(_views[_X2]), bytes(_views[_Y2])))
    flat.reverse()
    return flat


def _invert():
    """Let slot 8 be the inverse of what it is, by raising it to P - 2."""
    _copy(_B, _A)
    for squarings, factor, kept in _INVERSION:
        run(_SQUARE, _slots, squarings)
        run(bytes((1, _A, _A, factor, 0, 0, 0, 0)), _slots, 1)
        if kept:
            _copy(kept, _A)


def _affine():
    """Return the point's (x, y) as integers."""
    _copy(_A, _Z)
    _invert()
    _put(_D, 1)
    run(_LEAVE, _slots, 1)
    return int.from_bytes(_views[_X2], "little") % P, int.from_bytes(_views[_Y2], "little") % P


def _enter(x, y):
    """Let the point to add be the affine (x, y) of integers."""
    _put(_X2, x)
    _put(_Y2, y)
    run(_ENTER, _slots, 1)


def _put(slot, value):
    _views[slot][:] = value.to_bytes(_SLOT_BYTES, "little")


def _copy(slot, other):
    _views[slot][:] = _views[other]


def _is_zero(slot):
    return _views[slot] in _ZEROS
