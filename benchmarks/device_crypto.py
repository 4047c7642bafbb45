"""The device's cryptography, milliseconds an operation: `micropython -X heapsize=250k benchmarks/device_crypto.py`.

Runs under CPython too, and on a board that has `smets` and this file.
"""

import sys
import time
from hashlib import sha256

_PROJECT = (__file__.rsplit("/", 1)[0] if "/" in __file__ else ".") + "/.."
sys.path.insert(0, _PROJECT + "/firmware")
if sys.implementation.name != "micropython":
    sys.path.insert(1, _PROJECT + "/firmware/cpython")

from smets.crypto import ghash, p256  # noqa: E402 - found by the path above
from smets.crypto.back_end import fastest  # noqa: E402
from smets.crypto.gcm import Gcm  # noqa: E402
from smets.crypto.kdf import shared_key  # noqa: E402

_ROUNDS = 20
_TEXT_BYTES = 1024


def _now_us():
    return time.ticks_us() if hasattr(time, "ticks_us") else time.perf_counter_ns() // 1000


def _measure(name, operation):
    operation()
    started_us = _now_us()
    for _ in range(_ROUNDS):
        operation()
    each_ms = (_now_us() - started_us) / _ROUNDS / 1000
    print(f"{name:24s} {each_ms:9.3f} ms")


def run():
    """Print a line for each operation."""
    private, other = sha256(b"one key").digest(), sha256(b"another key").digest()
    public, digest = p256.public_key(private), sha256(b"message").digest()
    signature = p256.sign(private, digest)
    text = bytearray([i * 73 & 255 for i in range(_TEXT_BYTES)])
    gcm, iv = Gcm(private[:16]), bytes(12)
    print(sys.implementation.name, fastest(p256._BACK_ENDS).__name__, ghash._blocks.__name__)
    _measure("P-256 public key (k*G)", lambda: p256.public_key(private))
    _measure("P-256 sign", lambda: p256.sign(private, digest))
    _measure("P-256 verify", lambda: p256.verify(public, digest, signature))
    _measure("P-256 ECDH", lambda: p256.ecdh(other, public))
    _measure("KDF", lambda: shared_key(digest, iv, iv))
    _measure("GCM key", lambda: Gcm(private[:16]))
    _measure("GMAC of 200 bytes", lambda: gcm.tag(iv, memoryview(text)[:200]))
    _measure("GMAC of 1 KiB", lambda: gcm.tag(iv, text))
    _measure("GCM seal of 1 KiB", lambda: gcm.seal(iv, b"1", text))


if __name__ == "__main__":
    run()
