"""Start a board's image on MicroPython's unix port: `micropython start.py IMAGE PROGRAM_SIZE FOLDER [PROGRAM]`.

The image is the root of the file system, kept in the file IMAGE; the modules in FOLDER stand in for the board's own.
PROGRAM is run instead of the image's main.py.
"""

import os
import sys

import vfs
from file_device import FileDevice

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
exec(content("boot.py"), {"__name__": "__main__"})
exec(source or content(program), {"__name__": "__main__"})
