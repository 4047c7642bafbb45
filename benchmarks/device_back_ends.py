"""The parts of which a device has more than one, timed in turn: `micropython -X heapsize=250k device_back_ends.py`.

Prints JSON, microseconds by name. Runs on a board too, that has `smets` and this file; there the ratios are its own.
"""

import json
import sys
import time
from hashlib import sha256

from cryptolib import aes

_PROJECT = (__file__.rsplit("/", 1)[0] if "/" in __file__ else ".") + "/.."
sys.path.insert(0, _PROJECT + "/firmware")

from smets.crypto import ghash_ints, p256  # noqa: E402 - found by the path above
from smets.crypto.back_end import fastest  # noqa: E402

_ROUNDS = 20
_BLOCKS = 64
_ECB = 1


def _measure(operation, rounds=_ROUNDS):
    """Return an operation's best time: whatever else the machine does makes it longer."""
    best_us = None
    for _ in range(rounds):
        started_us = time.ticks_us()
        operation()
        taken_us = time.ticks_diff(time.ticks_us(), started_us)
        best_us = taken_us if best_us is None or taken_us < best_us else best_us
    return best_us


def _each(operation):
    """Return the best time of one of a hundred in a row, for what is too short for the clock."""

    def hundred():
        for _ in range(100):
            operation()

    return _measure(hundred) / 100


def _ghash(blocks, found, name):
    """Time a module's table of a key, and 64 blocks (1 KiB) with it."""
    key, data, state = sha256(b"key").digest()[:16], memoryview(bytes(range(256)) * 4), bytearray(16)
    table = blocks.key_table(key)
    found[name + " table"] = _measure(lambda: blocks.key_table(key))
    found[name + " 1 KiB"] = _measure(lambda: blocks.absorb(table, state, data, 0, _BLOCKS))


def run():
    """Print what was found."""
    private, other = sha256(b"one key").digest(), sha256(b"another key").digest()
    public, digest = p256.public_key(private), sha256(b"message").digest()
    signature = p256.sign(private, digest)
    found = {"P-256": fastest(p256._BACK_ENDS).__name__.split(".")[-1]}
    found["sign"] = _measure(lambda: p256.sign(private, digest))
    found["verify"] = _measure(lambda: p256.verify(public, digest, signature))
    found["ECDH"] = _measure(lambda: p256.ecdh(other, public))
    a, b, p = (int.from_bytes(octets, "big") for octets in (public[:32], public[32:], b"\xff" * 31 + b"\x43"))
    found["a*b % p"] = _each(lambda: a * b % p)
    _ghash(ghash_ints, found, "GHASH, integers,")
    fast = fastest(("smets.crypto.ghash_viper", "smets.crypto.ghash_ints"))
    if fast is not ghash_ints:
        _ghash(fast, found, "GHASH, viper,")
    key, block, cipher = private[:16], bytes(16), aes(private[:16], _ECB)
    found["AES key kept"] = _each(lambda: cipher.encrypt(block))
    found["AES key made each time"] = _each(lambda: aes(key, _ECB).encrypt(block))
    print(json.dumps(found))


if __name__ == "__main__":
    run()
