"""The unix port's meter with its store on littlefs over a recorded flash: main.py's options, after two files' paths.

micropython tests/end_to_end/power/recorded_device.py IMAGE RECORDING --store /flash/esme --bench
"""

import os
import sys

import vfs

_FOLDER = __file__.rsplit("/", 1)[0]
sys.path.append(_FOLDER)
sys.path.append(_FOLDER + "/../../../boards/UNIX")

from recorded_flash import BLOCK_BYTES, BLOCKS, PAGE_BYTES, SENT, RecordedFlash  # noqa: E402


def mount_flash(image_path, recording_path):
    """Mount the flash at /flash, formatted when it is new; return it."""
    try:
        os.stat(image_path)
        fresh = False
    except OSError:
        fresh = True
        with open(image_path, "wb") as image:
            for _ in range(BLOCKS):
                image.write(b"\xff" * BLOCK_BYTES)
    image = open(image_path, "r+b", buffering=0)  # noqa: SIM115 - as long as the device runs
    if fresh:
        vfs.VfsLfs2.mkfs(RecordedFlash(image), progsize=PAGE_BYTES)
    recording = open(recording_path, "ab", buffering=0)  # noqa: SIM115 - as long as the device runs
    flash = RecordedFlash(image, recording)
    vfs.mount(vfs.VfsLfs2(flash, progsize=PAGE_BYTES), "/flash")
    return flash


class RecordedStream:
    """A link whose output is recorded where it leaves."""

    def __init__(self, stream, flash):
        self.readinto = stream.readinto
        self._write, self._flash = stream.write, flash

    def write(self, data):
        """Write and record."""
        self._flash.record(SENT, 0, data)
        self._write(data)


def record_link(flash):
    """Let what leaves on the link be recorded."""
    from smets.link import unix_stream

    open_standard = unix_stream.open_standard
    unix_stream.open_standard = lambda **options: RecordedStream(open_standard(**options), flash)


image_path, recording_path = sys.argv[1:3]
record_link(mount_flash(image_path, recording_path))
import main  # noqa: E402

sys.exit(main.guarded(main.main, sys.argv[3:]))
