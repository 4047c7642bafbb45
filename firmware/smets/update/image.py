"""A firmware image, as it comes over the link and as it lies unpacked in a slot's folder.

    head       "SMFI", u8 format 1, u16 files, board (16), role (8), firmware version (4), u32 size of the image
    table      for each file: path (60), u32 size
    files      one after the other
    signature  the manufacturer's, ECDSA P-256 r || s, over the SHA-256 of all before it: the image's hash

Numbers are big-endian, texts ASCII, filled up with 00. Every part becomes a file of the folder, so that what was
received says how far it came. The host's declaration is host_tools/opensmets/layouts/firmware_image.py.
"""

import struct
from hashlib import sha256

from micropython import const

from smets.store.files import read_whole

HEAD, TABLE, FIRST_FILE = 0, 1, 2
"""Numbers of the parts; the signature comes after the last file."""
HASH_SIZE = const(32)
SIGNATURE_SIZE = const(64)
MAX_SIZE = const(1048576)
"""Largest image, bytes: both slots of the largest board's file system together."""
_MAX_FILES = const(192)
_MAX_DEPTH = const(4)
_HEAD = const(">4sBH16s8s4sI")
_HEAD_SIZE = const(39)
_ENTRY_SIZE = const(64)
_PATH_SIZE = const(60)
_ROOMS = const((b"smets", b"tables"))
_LETTERS = const(b"abcdefghijklmnopqrstuvwxyz0123456789_.")
_CHUNK = const(512)


class ImageError(ValueError):
    """It is no image for this device; the text says why."""


class Image:
    """The image in `folder`. Reading a part needs those before it to be there. Raises ImageError for what is none."""

    def __init__(self, folder, files):
        self._folder, self._files = folder, files
        self.count = self.size = 0
        self.board = self.role = self.version = b""

    def read_head(self):
        """Learn `board`, `role`, `version`, `size` and the `count` of files from the head."""
        packed = bytearray(_HEAD_SIZE)
        with self._files.open(self._folder + "/head", "rb") as handle:
            if read_whole(handle, packed) != _HEAD_SIZE:
                raise ImageError("the head is cut short")
        magic, version, self.count, board, role, self.version, self.size = struct.unpack(_HEAD, packed)
        if magic != b"SMFI" or version != 1 or not 0 < self.count <= _MAX_FILES or self.size > MAX_SIZE:
            raise ImageError("not a firmware image of format 1")
        self.board, self.role = board.rstrip(b"\x00"), role.rstrip(b"\x00")

    def read_table(self):
        """See that the table's paths stay in the folder and that its sizes make up the image's."""
        total = _HEAD_SIZE + self.count * _ENTRY_SIZE + SIGNATURE_SIZE
        for number in range(FIRST_FILE, FIRST_FILE + self.count):
            total += self.part(number)[1]
        if total != self.size:
            raise ImageError("the files do not make up the image's size")

    def part(self, number):
        """Return (path, size) of a part."""
        if number == HEAD:
            return self._folder + "/head", _HEAD_SIZE
        if number == TABLE:
            return self._folder + "/table", self.count * _ENTRY_SIZE
        if number == FIRST_FILE + self.count:
            return self._folder + "/signature", SIGNATURE_SIZE
        entry = bytearray(_ENTRY_SIZE)
        with self._files.open(self._folder + "/table", "rb") as handle:
            handle.seek((number - FIRST_FILE) * _ENTRY_SIZE)
            if read_whole(handle, entry) != _ENTRY_SIZE:
                raise ImageError("the table is cut short")
        path = bytes(entry[:_PATH_SIZE]).rstrip(b"\x00")
        if not _is_good(path):
            raise ImageError("a file outside smets/ and tables/")
        return self._folder + "/" + path.decode(), int.from_bytes(entry[_PATH_SIZE:], "big")

    def digest(self):
        """Return the hash of the image as its parts lie in the folder now, or None when one of them is cut short."""
        whole = sha256()
        self.read_head()
        for number in range(FIRST_FILE + self.count):
            path, size = self.part(number)
            with self._files.open(path, "rb") as handle:
                if hash_into(whole, handle, size) != size:
                    return None
        return whole.digest()


def hash_into(whole, handle, size):
    """Take up to `size` bytes of an open file into a hash; return how many there were."""
    buffer, done = bytearray(_CHUNK), 0
    view = memoryview(buffer)
    while done < size:
        count = handle.readinto(view[: min(_CHUNK, size - done)])
        if not count:
            break
        whole.update(view[:count])
        done += count
    return done


def _is_good(path):
    parts = path.split(b"/")
    if not 2 <= len(parts) <= _MAX_DEPTH or parts[0] not in _ROOMS:
        return False
    return all([part and part[:1] != b"." and all([letter in _LETTERS for letter in part]) for part in parts])
