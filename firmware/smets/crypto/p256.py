"""ECDSA and ECDH on NIST P-256 with SHA-256, as GBCS uses them (FIPS 186-4, SP 800-56A; GBCS section 4.3).

Private keys are 32-byte big-endian scalars, public keys 64-byte X || Y, signatures 64-byte r || s. Anything
bytes-like may be given; bytes are returned.

**Not constant time.** The time and the power that an operation takes depend on the private key. Use test keys only.

A high s is as valid as a low one (half of GBCS's reference signatures have it): s is never normalised.
"""

from micropython import const

from smets.crypto.back_end import fastest, unload_if_scarce
from smets.crypto.curve import N, invert, is_on_curve

_SCALAR_BYTES = const(32)
_PUBLIC_BYTES = const(64)
_SIGNATURE_BYTES = const(64)
_DIGEST_BYTES = const(32)
_MAX_TRIES = const(8)  # a candidate fails once in 2^32

_BACK_ENDS = ("smets.crypto.point_thumb", "smets.crypto.point_ints")
_LOADED_ON_USE = (
    "smets.crypto.point_thumb", "smets.crypto.field_thumb", "smets.crypto.point_ints", "smets.crypto.digits",
    "smets.crypto.comb", "smets.crypto.nonce",
)  # fmt: skip


def is_valid_private(private):
    """Say whether `private` is a scalar of 32 bytes from 1 to N - 1."""
    return len(private) == _SCALAR_BYTES and 0 < int.from_bytes(private, "big") < N


def is_valid_public(public):
    """Say whether `public` is 64 bytes X || Y of a point on the curve (full validation: the cofactor is 1)."""
    return len(public) == _PUBLIC_BYTES and is_on_curve(*_halves(public))


def generate_private(random):
    """Return a new private key from `random(n)`, which returns n random bytes (FIPS 186-4 B.4.2: draw until valid).

    Raises ValueError when the source keeps giving what cannot be a key, as a broken one does.
    """
    for _ in range(_MAX_TRIES):
        candidate = random(_SCALAR_BYTES)
        if is_valid_private(candidate):
            return bytes(candidate)
    raise ValueError("the random source gives no valid P-256 key")


def public_key(private):
    """Return the public key of `private`. Raises ValueError if that is not a valid private key."""
    return _joined(*_compute("multiply_base", _scalar(private)))


def sign(private, digest):
    """Return the signature of the 32-byte SHA-256 `digest`, its nonce drawn from key and digest (RFC 6979).

    Raises ValueError for an invalid private key or a digest of another length.
    """
    if len(digest) != _DIGEST_BYTES:
        raise ValueError("a SHA-256 digest has 32 bytes")
    key = _scalar(private)
    digest_scalar = int.from_bytes(digest, "big")
    from smets.crypto.nonce import Nonces

    nonces = Nonces(private, digest)
    while True:
        nonce = nonces.next()
        r = _compute("multiply_base", nonce)[0] % N
        s = invert(nonce, N) * (digest_scalar + r * key) % N
        if r and s:
            return _joined(r, s)


def verify(public, digest, signature):
    """Say whether `signature` is `public`'s over the 32-byte SHA-256 `digest`.

    Lengths, ranges or a point that cannot be are False, not an error: all three may come from the wire.
    """
    if len(signature) != _SIGNATURE_BYTES or len(digest) != _DIGEST_BYTES or not is_valid_public(public):
        return False
    r, s = _halves(signature)
    if not (0 < r < N and 0 < s < N):
        return False
    inverse = invert(s, N)
    base_scalar = int.from_bytes(digest, "big") * inverse % N
    return _compute("sum_has_x", base_scalar, r * inverse % N, *(_halves(public) + (r,)))


def ecdh(private, public):
    """Return Z, the 32-byte x-coordinate that both parties share (SP 800-56A 5.7.1.2).

    Raises ValueError for an invalid private key or a point that is not on the curve.
    """
    if not is_valid_public(public):
        raise ValueError("not a P-256 public key")
    return _compute("multiply", _scalar(private), *_halves(public))[0].to_bytes(_SCALAR_BYTES, "big")


def _compute(operation, *arguments):
    """Do one multiplication with the back end, which where memory is scarce is there for no longer than that."""
    try:
        return getattr(fastest(_BACK_ENDS), operation)(*arguments)
    finally:
        unload_if_scarce(_LOADED_ON_USE)


def _scalar(private):
    if not is_valid_private(private):
        raise ValueError("not a P-256 private key")
    return int.from_bytes(private, "big")


def _halves(pair):
    return int.from_bytes(pair[:32], "big"), int.from_bytes(pair[32:], "big")


def _joined(first, second):
    return first.to_bytes(32, "big") + second.to_bytes(32, "big")
