"""A board at its prompt, in MicroPython's unix port: `micropython fake_board.py FLASH [silent]`.

Its root is the littlefs in the file FLASH: what a host writes there is written by MicroPython. `silent` makes it one on
which no MicroPython runs.
"""

import os
import sys

import vfs

sys.path.append(__file__.rsplit("/", 1)[0])

from raw_prompt import FileDevice, serve  # noqa: E402 - found by the path above

vfs.mount(vfs.VfsLfs2(FileDevice(sys.argv[1]), progsize=256, readsize=32), "/")
os.chdir("/")
serve("silent" in sys.argv)
