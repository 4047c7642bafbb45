"""A file layer that loses power after a given number of writes, for the tests of the stores.

`CutFiles` counts every write, sync, rename, removal and creation as one step; at step `cut_at` a write is torn after
`torn` of its bytes (the rest missing, or `blank`), anything else does not happen, and PowerCut is raised.
"""

import os

from smets.store.files import Files


class PowerCut(Exception):
    """The power went. Not an OSError: no code of the device may catch it."""


class CutFiles(Files):
    def __init__(self, cut_at, torn=0, blank=b""):
        self.steps, self.cut_at, self.torn, self.blank = 0, cut_at, torn, blank

    def _step(self):
        self.steps += 1
        return self.steps == self.cut_at

    def open(self, path, mode):
        if mode[0] == "w" and self._step():
            raise PowerCut()
        return Files.open(self, path, mode)

    def write(self, handle, data):
        if self._step():
            kept = min(self.torn, len(data))
            Files.write(self, handle, bytes(data[:kept]) + self.blank * (len(data) - kept))
            handle.close()
            raise PowerCut()
        Files.write(self, handle, data)

    def sync(self, handle):
        if self._step():
            raise PowerCut()
        handle.flush()

    def rename(self, old, new):
        if self._step():
            raise PowerCut()
        Files.rename(self, old, new)

    def remove(self, path):
        if self._step():
            raise PowerCut()
        Files.remove(self, path)


class QuickFiles(Files):
    """The real file system without waiting for the disk."""

    def sync(self, handle):
        handle.flush()


class FailingFiles(Files):
    """A flash that is full from the `fail_at`th write on, until `full` is set to False."""

    def __init__(self, fail_at):
        self.writes, self.fail_at, self.full = 0, fail_at, True

    def write(self, handle, data):
        self.writes += 1
        if self.full and self.writes >= self.fail_at:
            Files.write(self, handle, bytes(data[: len(data) // 2]))
            raise OSError(28)
        Files.write(self, handle, data)

    def sync(self, handle):
        handle.flush()


_count = [0]


def scratch():
    """Return a new, empty directory of this process. The caller removes it with `wipe`."""
    _count[0] += 1
    root = "/dev/shm" if "shm" in os.listdir("/dev") else "/tmp"
    path = f"{root}/smets_{int.from_bytes(os.urandom(6), 'big'):x}_{_count[0]}"
    os.mkdir(path)
    return path


def wipe(directory):
    """Delete a directory and what is in it."""
    for name in os.listdir(directory):
        path = directory + "/" + name
        if os.stat(path)[0] & 0x4000:
            wipe(path)
        else:
            os.remove(path)
    os.rmdir(directory)


def read_file(path):
    with open(path, "rb") as handle:
        return handle.read()


def write_file(path, data):
    with open(path, "wb") as handle:
        handle.write(data)
