"""AES-GCM (SP 800-38D) with 96-bit IVs and 96- or 128-bit tags, on `cryptolib`'s AES-ECB.

Where nothing is encrypted it is GMAC. GBCS's tags have 12 bytes; its additional data begins `11 00000000 00` for a MAC
and is `31` for a sensitive part.
"""

from cryptolib import aes
from micropython import const

from smets.crypto.compare import equal
from smets.crypto.ghash import Ghash

KEY_BYTES = const(16)
LONG_KEY_BYTES = const(32)
IV_BYTES = const(12)
TAG_BYTES = const(12)
LONG_TAG_BYTES = const(16)
_ECB = const(1)
_BLOCK = const(16)
_STREAM = const(128)  # so much key stream is made with one call to the cipher
_FIRST_COUNTER = const(2)  # 1 masks the tag


class Gcm:
    """A key and its buffers, for one message after another but one at a time. An IV must not be used twice to seal."""

    def __init__(self, key):
        """Take the key of 16 bytes, as GBCS's are, or 32. Raises ValueError for another length."""
        if len(key) != KEY_BYTES and len(key) != LONG_KEY_BYTES:
            raise ValueError("a key has 16 or 32 bytes")
        self._cipher = aes(key, _ECB)
        self._ghash = Ghash(self._cipher.encrypt(bytes(_BLOCK)))
        self._counters = bytearray(_STREAM)
        self._stream = bytearray(_STREAM)
        self._tag_mask = bytearray(_BLOCK)
        self._counter = _FIRST_COUNTER
        self._used = _STREAM
        self._aad_bytes = 0
        self._text_bytes = 0

    def tag(self, iv, *aad_parts):
        """Return the 12-byte GMAC of the additional data, which comes in parts that are not joined."""
        self.start(iv, *aad_parts)
        return self.finish()

    def seal(self, iv, aad, buffer, tag_bytes=TAG_BYTES):
        """Encrypt `buffer` (bytearray or memoryview) in place and return its tag of 12 or 16 bytes."""
        self.start(iv, aad)
        self.encrypt(buffer)
        return self.finish(tag_bytes)

    def open(self, iv, aad, buffer, tag):
        """Say whether the tag of 12 or 16 bytes is right, and only then decrypt `buffer` in place."""
        if len(tag) != TAG_BYTES and len(tag) != LONG_TAG_BYTES:
            return False
        self.start(iv, aad)
        self.authenticate(buffer)
        if not equal(self.finish(len(tag)), tag):
            return False
        self.decrypt(buffer)
        return True

    def start(self, iv, *aad_parts):
        """Begin a message that comes in pieces. Raises ValueError for an IV that is not 12 bytes."""
        if len(iv) != IV_BYTES:
            raise ValueError("the IV has 12 bytes")
        for at in range(0, _STREAM, _BLOCK):
            self._counters[at : at + IV_BYTES] = iv
        self._count(1)
        self._cipher.encrypt(memoryview(self._counters)[:_BLOCK], self._tag_mask)
        self._counter = _FIRST_COUNTER
        self._used = _STREAM
        self._aad_bytes = self._text_bytes = 0
        self._ghash.reset()
        for part in aad_parts:
            self.add(part)
        self._ghash.pad()

    def add(self, part):
        """Take in the next piece of the additional data of a message that has nothing else, started without any."""
        self._ghash.update(part)
        self._aad_bytes += len(part)

    def seek(self, offset):
        """Let `decrypt` go on at byte `offset` of the text. What is in the tag stays."""
        self._counter = _FIRST_COUNTER + offset // _STREAM * (_STREAM // _BLOCK)
        self._refill()
        self._used = offset % _STREAM

    def encrypt(self, buffer):
        """Encrypt the next piece in place, of any length, and take it into the tag."""
        self.decrypt(buffer)
        self.authenticate(buffer)

    def authenticate(self, buffer):
        """Take the next piece of cipher text into the tag, and leave it as it is."""
        self._ghash.update(buffer)
        self._text_bytes += len(buffer)

    def decrypt(self, buffer):
        """Decrypt the next piece in place: after `finish` gave the right tag, over the same pieces again."""
        view = memoryview(buffer)
        at = 0
        while at < len(view):
            if self._used == _STREAM:
                self._refill()
            taken = min(_STREAM - self._used, len(view) - at)
            stream = self._stream[self._used : self._used + taken]
            mixed = int.from_bytes(view[at : at + taken], "big") ^ int.from_bytes(stream, "big")
            view[at : at + taken] = mixed.to_bytes(taken, "big")
            self._used += taken
            at += taken

    def finish(self, tag_bytes=TAG_BYTES):
        """Return the tag of what was started, 12 or 16 bytes. Raises ValueError for another length."""
        if tag_bytes != TAG_BYTES and tag_bytes != LONG_TAG_BYTES:
            raise ValueError("a tag has 12 or 16 bytes")
        self._ghash.pad()
        self._ghash.update((self._aad_bytes * 8).to_bytes(8, "big") + (self._text_bytes * 8).to_bytes(8, "big"))
        tag = bytearray(self._ghash.value())
        for i in range(_BLOCK):
            tag[i] ^= self._tag_mask[i]
        return bytes(tag[:tag_bytes])

    def _refill(self):
        self._count(self._counter)
        self._cipher.encrypt(self._counters, self._stream)
        self._counter += _STREAM // _BLOCK
        self._used = 0

    def _count(self, counter):
        # Number the counter blocks from `counter` on
        for at in range(_BLOCK, _STREAM + 1, _BLOCK):
            self._counters[at - 4 : at] = counter.to_bytes(4, "big")
            counter += 1
