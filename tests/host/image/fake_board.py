"""A board at its prompt, in MicroPython's unix port: `micropython fake_board.py FLASH [silent]`.

Its root is the littlefs in the file FLASH: what a host writes there is written by MicroPython. `silent` makes it one on
which no MicroPython runs.
"""

import os
import sys

import vfs
from file_device import FileDevice
from raw_prompt import serve

vfs.mount(vfs.VfsLfs2(FileDevice(sys.argv[1]), progsize=256, readsize=32), "/")
os.chdir("/")
serve("silent" in sys.argv)
