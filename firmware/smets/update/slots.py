"""The two slots below the store, and the record that says which of them runs; `firmware/boot.py` reads it at the start.

A slot holds a whole image as long as its `verified` is there, the image's hash: that is the last to be written and the
first to be removed. The record is replaced by a rename. So a power cut leaves what was before, or what comes after.
"""

import os
from binascii import crc32

from micropython import const

from smets.store.files import FLASH, read_whole
from smets.store.listing import first_names, make_folder, names
from smets.update.image import HASH_SIZE, Image

NONE = "-"
IDLE, TRIAL, CONFIRMED, FAILED = "I", "T", "C", "F"
"""States of the slot tried last. CONFIRMED and FAILED hold until it is told how the activation ended."""

_STARTS = const(3)
_FACTORY = "--I0"
_RECORD_SIZE = const(8)
_DIRECTORY = const(0x4000)


class Slots:
    """The slots of a store: `active` is the one that runs, `tried` the last one tried, `state` how that stands."""

    def __init__(self, store, files=FLASH):
        self._files = files
        self._folder = store + "/slots"
        make_folder(self._folder)
        self.active, self.tried, self.state = self._read()

    def spare(self):
        """Return the slot that an image is received into: the one that does not run."""
        return "b" if self.active == "a" else "a"

    def image(self, slot):
        """Return the Image of a slot, whole or not."""
        return Image(self.path(slot), self._files)

    def path(self, slot, name=""):
        """Return the path of a slot's folder, or of a file in it."""
        return self._folder + "/" + slot + ("/" + name if name else "")

    def hash_of(self, slot):
        """Return the hash of the verified image in a slot, or None when there is none."""
        return self.read(slot, "verified", HASH_SIZE)

    def try_spare(self):
        """Put the spare slot on trial: the next starts run it until it is confirmed, fails or has used them up."""
        self._write(self.active, self.spare(), TRIAL, _STARTS)

    def end_trial(self, passed):
        """Let the slot on trial be the one that runs from now on, or, from the next start, the one that ran before."""
        if passed:
            self._write(self.tried, self.tried, CONFIRMED, 0)
        else:
            self._write(self.active, self.tried, FAILED, 0)

    def told(self):
        """How the trial ended is known to those who are to know: forget it."""
        if self.state in (CONFIRMED, FAILED):
            self._write(self.active, self.tried, IDLE, 0)

    def untold(self):
        """Return (hash, version) of an image that was verified just before the power went, or None."""
        slot = self.spare()
        image_hash = self.hash_of(slot)
        if image_hash is None or "offer" not in names(self.path(slot)):
            return None
        image = self.image(slot)
        image.read_head()
        return image_hash, image.version

    def settle(self):
        """The image in the spare slot is known to those who are to know: the offer is done with."""
        self._files.remove(self.path(self.spare(), "offer"))

    def read(self, slot, name, size):
        """Return the `size` bytes of a file in a slot's folder, or None when it has not as many."""
        packed = bytearray(size)
        try:
            with self._files.open(self.path(slot, name), "rb") as handle:
                return bytes(packed) if read_whole(handle, packed) == size else None
        except OSError:
            return None

    def put(self, slot, name, content):
        """Write a small file of a slot's folder, which is whole or not there at all."""
        self._put(self.path(slot, name), content)

    def clear(self, slot):
        """Empty a slot, `verified` first."""
        folder = self.path(slot)
        found = names(folder)
        for name in ("verified", "offer"):
            if name in found:
                self._files.remove(folder + "/" + name)
        self._remove_below(folder)

    def _remove_below(self, folder):
        found = first_names(folder)
        while found:
            for name in found:
                path = folder + "/" + name
                if os.stat(path)[0] & _DIRECTORY:
                    self._remove_below(path)
                    os.rmdir(path)
                else:
                    self._files.remove(path)
            found = first_names(folder)

    def _read(self):
        packed = bytearray(_RECORD_SIZE)
        try:
            with self._files.open(self._folder + "/boot", "rb") as handle:
                size = read_whole(handle, packed)
        except OSError:
            size = 0
        good = size == _RECORD_SIZE and crc32(packed[:4]).to_bytes(4, "big") == packed[4:] and packed[2] in b"ITCF"
        record = packed[:4].decode() if good else _FACTORY
        return record[0], record[1], record[2]

    def _write(self, active, tried, state, starts):
        text = b"%s%s%s%d" % (active.encode(), tried.encode(), state.encode(), starts)
        self._put(self._folder + "/boot", text + crc32(text).to_bytes(4, "big"))
        self.active, self.tried, self.state = active, tried, state

    def _put(self, path, content):
        with self._files.open(path + ".new", "wb") as handle:
            self._files.write(handle, content)
            self._files.sync(handle)
        self._files.rename(path + ".new", path)  # over the old one: atomic on littlefs and POSIX
