"""GHASH (SP 800-38D 6.4): the running hash of AES-GCM, over data that comes in pieces of any length."""

from micropython import const

from smets.crypto.back_end import fastest

_BLOCK = const(16)

_blocks = fastest(("smets.crypto.ghash_viper", "smets.crypto.ghash_ints"))


class Ghash:
    """One hash key's running state. The key's table is made once, the state starts anew with `reset`."""

    def __init__(self, hash_key):
        """Make the table of the 16-byte hash key, the cipher of a zero block."""
        self._table = _blocks.key_table(hash_key)
        self._state = bytearray(_BLOCK)
        self._partial = bytearray(_BLOCK)
        self._filled = 0

    def reset(self):
        """Forget all data."""
        self._filled = 0
        for i in range(_BLOCK):
            self._state[i] = 0

    def update(self, data):
        """Take in bytes-like `data`; whole blocks are read where they lie."""
        view = memoryview(data)
        start = self._fill(view) if self._filled else 0
        whole = (len(view) - start) // _BLOCK
        if whole:
            _blocks.absorb(self._table, self._state, view, start, whole)
        start += whole * _BLOCK
        if start < len(view):
            self._fill(view[start:])

    def pad(self):
        """Fill the last block with zeroes, as at the end of the additional data and of the text."""
        if self._filled:
            self.update(bytes(_BLOCK - self._filled))

    def value(self):
        """Return the state as 16 bytes; the data must end with a whole block."""
        return bytes(self._state)

    def _fill(self, view):
        # Put the front of `view` into the partial block and return how many bytes it took
        taken = min(_BLOCK - self._filled, len(view))
        self._partial[self._filled : self._filled + taken] = view[:taken]
        self._filled += taken
        if self._filled == _BLOCK:
            _blocks.absorb(self._table, self._state, memoryview(self._partial), 0, 1)
            self._filled = 0
        return taken
