"""Start a board's image on MicroPython's unix port: `micropython start.py IMAGE PROGRAM_SIZE FOLDER [PROGRAM]`.

The image is the root of the file system, kept in the file IMAGE; the modules in FOLDER stand in for the board's own.
PROGRAM is run instead of the image's main.py.
"""

import os
import sys

import vfs

BLOCK = 4096


class FileDevice:
    """A block device in a file."""

    def __init__(self, path):
        self._file = open(path, "r+b", buffering=0)  # noqa: SIM115 - as long as the board lives
        self._blocks = self._file.seek(0, 2) // BLOCK

    def readblocks(self, number, buffer, offset=0):
        self._file.seek(number * BLOCK + offset)
        self._file.readinto(buffer)

    def writeblocks(self, number, buffer, offset=0):
        self._file.seek(number * BLOCK + offset)
        self._file.write(buffer)

    def ioctl(self, operation, argument):
        if operation == 4:
            return self._blocks
        if operation == 5:
            return BLOCK
        if operation == 6:
            self._file.seek(argument * BLOCK)
            self._file.write(b"\xff" * BLOCK)
        return 0


image, program_size, folder = sys.argv[1:4]
program = sys.argv[4] if len(sys.argv) > 4 else "main.py"


def content(path):
    with open(path) as file:
        return file.read()


source = content(program) if "/" in program else None
stand_ins = vfs.VfsPosix(folder)
vfs.mount(vfs.VfsLfs2(FileDevice(image), progsize=int(program_size), readsize=32), "/")
vfs.mount(stand_ins, "/stand_ins")
os.chdir("/")
sys.path[:] = ["/stand_ins", "", "/lib"]
exec(source or content(program), {"__name__": "__main__"})
