"""What a board does when its power comes: `micropython power_on.py FLASH BOOT STAND_INS`.

BOOT, the _boot.py that is frozen into its MicroPython, mounts the flash in the file FLASH, or does not. Then boot.py
and main.py are run, if they are there, and whatever becomes of them the prompt follows. STAND_INS has the board's own
modules.
"""

import os
import sys

import raw_prompt
import vfs
from file_device import FileDevice

flash, boot, stand_ins = sys.argv[1:4]
device = FileDevice(flash)


class rp2:  # noqa: N801 - the port's module
    """The port's module, of which a board's _boot.py wants the flash."""

    def Flash():  # noqa: N802
        return device


sys.modules["rp2"] = rp2


def run(path):
    """Run a file as MicroPython does: without it nothing happens, and what it raises is told."""
    try:
        with open(path) as file:
            text = file.read()
    except OSError as error:
        if error.errno != 2:
            sys.print_exception(error)
        return
    try:
        exec(text, {"__name__": "__main__"})
    except Exception as error:  # noqa: BLE001 - as the prompt does
        sys.print_exception(error)


folder = vfs.VfsPosix(stand_ins)
run(boot)
try:
    vfs.mount(folder, "/stand_ins")
    os.chdir("/")
    sys.path[:] = ["/stand_ins", "", "/lib"]
    run("boot.py")
    run("main.py")
finally:
    raw_prompt.serve()
