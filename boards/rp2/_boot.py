"""Mount the flash of an RP2040. Unlike MicroPython's own, this formats blank flash alone, never what it cannot read.

What cannot be mounted stays as it is: the board is at its prompt, where its flash can be looked at and copied.
"""

import rp2
import vfs

PROGRAM_SIZE = 256
"""Flash is written in pages of so many bytes."""


def is_blank(device):
    """Return whether the first two blocks, where littlefs begins, are as they were erased."""
    block = bytearray(device.ioctl(5, 0))
    for number in (0, 1):
        device.readblocks(number, block)
        if block != b"\xff" * len(block):
            return False
    return True


def mount(device):
    """Mount the device's file system as the root; a blank device gets one first. Raises OSError and writes nothing."""
    if is_blank(device):
        vfs.VfsLfs2.mkfs(device, progsize=PROGRAM_SIZE)
    vfs.mount(vfs.VfsLfs2(device, progsize=PROGRAM_SIZE), "/")  # type: ignore[abstract]  # an error of the stubs


try:
    mount(rp2.Flash())
except OSError as error:
    print("The flash holds no file system that can be read, and was left as it is; see boards/README.md:", error)
