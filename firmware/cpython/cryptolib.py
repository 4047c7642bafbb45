"""CPython's stand-in for MicroPython's `cryptolib`: AES in ECB mode, on the `cryptography` package."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_ECB = 1
_BLOCK = 16


class aes:  # noqa: N801 - MicroPython's name
    """A cipher object. As on MicroPython its first use fixes whether it encrypts or decrypts."""

    def __init__(self, key, mode):
        """Keep the key. Raises ValueError for a mode other than 1 (ECB) and a key that is not 16, 24 or 32 bytes."""
        if mode != _ECB:
            raise ValueError("mode")
        self._cipher = Cipher(algorithms.AES(bytes(key)), modes.ECB())  # noqa: S305 - a building block, as on the device
        self._step = None
        self._encrypts = None

    def encrypt(self, data, out=None):
        """Return `data` enciphered, or write it to `out` (which may be `data` itself) and return that."""
        return self._process(True, data, out)

    def decrypt(self, data, out=None):
        """Return `data` deciphered, or write it to `out` (which may be `data` itself) and return that."""
        return self._process(False, data, out)

    def _process(self, encrypts, data, out):
        if self._step is None:
            self._encrypts = encrypts
            self._step = self._cipher.encryptor() if encrypts else self._cipher.decryptor()
        if self._encrypts != encrypts:
            raise ValueError("can't encrypt & decrypt")
        if len(data) % _BLOCK:
            raise ValueError("blksize % 16")
        if out is None:
            return self._step.update(bytes(data))
        if len(out) < len(data):
            raise ValueError("output too small")
        out[: len(data)] = self._step.update(bytes(data))
        return out
