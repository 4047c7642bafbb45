"""Where random bytes come from: the board's source, or on the bench a sequence that a seed repeats."""

import os
from hashlib import sha256

_bench_sequence = None


def random_bytes(n):
    """Return `n` random bytes from the port's source (`os.urandom`), or from the seeded sequence of the bench."""
    if _bench_sequence is None:
        return os.urandom(n)
    return _bench_sequence.take(n)


def seed_for_bench(seed):
    """Make `random_bytes` repeatable: everything it gives from now on is known to whoever knows `seed`.

    Off unless called, and to be called by the bench alone. None goes back to the port's source.
    """
    global _bench_sequence
    _bench_sequence = None if seed is None else _Sequence(seed)


class _Sequence:
    # SHA-256(seed || block number), block after block
    def __init__(self, seed):
        self._seed = bytes(seed)
        self._blocks = 0
        self._left = b""

    def take(self, n):
        while len(self._left) < n:
            self._left += sha256(self._seed + self._blocks.to_bytes(4, "big")).digest()
            self._blocks += 1
        taken, self._left = self._left[:n], self._left[n:]
        return taken
