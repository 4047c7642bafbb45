"""A meter that lives for days with its store on littlefs, and what that did to the flash, as JSON.

micropython -X heapsize=8m counted_flash.py STORE FIRMWARE BLOCKS PAGE_BYTES DAYS
"""

import json
import os
import sys

import vfs

BLOCK_BYTES = 4096
STEP_S = 300

store, firmware, blocks, page_bytes, days = sys.argv[1:6]
sys.path.append(firmware)

from smets.meter.measurement import Measurement  # noqa: E402
from smets.roles.esme import Esme  # noqa: E402


class CountedFlash:
    """A flash in memory (MicroPython's extended block interface) that counts what is done to it."""

    def __init__(self, count):
        self._blocks = [bytearray(b"\xff" * BLOCK_BYTES) for _ in range(count)]
        self.start()

    def start(self):
        """Count from zero."""
        self.erases, self.programmed = [0] * len(self._blocks), 0

    def readblocks(self, block, buffer, offset=0):
        """Read."""
        buffer[:] = memoryview(self._blocks[block])[offset : offset + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        """Program."""
        self.programmed += len(buffer)
        self._blocks[block][offset : offset + len(buffer)] = buffer

    def ioctl(self, operation, argument):
        """Tell the sizes, erase a block."""
        if operation == 4:
            return len(self._blocks)
        if operation == 5:
            return BLOCK_BYTES
        if operation == 6:
            self.erases[argument] += 1
            self._blocks[argument][:] = b"\xff" * BLOCK_BYTES
        return 0


class NoLink:
    """A link at which nobody is."""

    def readinto(self, _buffer, _timeout_ms):
        """Receive nothing."""
        return 0

    def write(self, _data):
        """Send nowhere."""


def copy(source, target):
    """Copy a folder."""
    os.mkdir(target)
    for entry in os.ilistdir(source):
        name, kind = entry[0], entry[1]
        if kind & 0x4000:
            copy(source + "/" + name, target + "/" + name)
        else:
            with open(source + "/" + name, "rb") as read, open(target + "/" + name, "wb") as written:
                written.write(read.read())


def live(meter, end_s):
    """Let a meter live, its load changing with the time of day."""
    load = Measurement()
    while meter.time_s < end_s:
        load.import_w = 200 + meter.time_s // STEP_S * 37 % 2500
        meter.advance(meter.time_s + STEP_S, load)


flash = CountedFlash(int(blocks))
vfs.VfsLfs2.mkfs(flash, progsize=int(page_bytes))
vfs.mount(vfs.VfsLfs2(flash, progsize=int(page_bytes)), "/flash")
copy(store, "/flash/esme")
device = Esme(NoLink(), "/flash/esme", firmware + "/tables")
meter = device.meter
meter.write("clock.time_s", 820454400)
flash.start()
for _day in range(int(days)):
    live(meter, meter.time_s + 86400)
    device.reporting.tell_events()
    meter.release()
print(json.dumps({"erases": sum(flash.erases), "busiest": max(flash.erases), "programmed": flash.programmed}))
