"""Boot the meter from every point of a recorded flash, whole and torn, and print what it knows then.

    micropython -X heapsize=4m boot_after_cuts.py IMAGE RECORDING FIRMWARE START STEP

A line of JSON a boot: how many bytes of the recording had happened, whether the next write was torn, and the meter's
values; `START` and `STEP` choose which writes this process takes. IMAGE is the flash before the recording.
"""

import gc
import io
import json
import struct
import sys
from binascii import crc32

import vfs

sys.path.append(__file__.rsplit("/", 1)[0])

from recorded_flash import BLOCK_BYTES, ENTRY, ENTRY_BYTES, ERASE, PAGE_BYTES, SENT, RecordedFlash  # noqa: E402

image_path, recording_path, firmware, start, step = sys.argv[1:6]
sys.path.append(firmware)

from smets.roles.esme import Esme  # noqa: E402

FIELDS = (
    "payment.meter_balance_millipence", "payment.mode", "supply.state", "load_limit.power_threshold_w",
    "registers.active_import_wh", "registers.active_import_ws", "clock.time_s",
)  # fmt: skip


class NoLink:
    """A link at which nobody is."""

    def readinto(self, _buffer, _timeout_ms):
        """Receive nothing."""
        return 0

    def write(self, _data):
        """Send nowhere."""


def knowledge():
    """Return what a meter that boots from /flash knows."""
    device = Esme(NoLink(), "/flash/esme", firmware + "/tables")
    keys = device.journal.keys("")
    if not device.meter:
        return {"provisioned": False}
    meter = device.meter
    found = {field: meter.read(field) for field in FIELDS}
    found["provisioned"] = True
    found["counters"] = {key: device.journal.get(key).hex() for key in keys if key.startswith(("counter/", "rx/"))}
    found["cells"] = device.anchors.check(0)
    found["keys"] = crc32(b"".join([device.journal.get(key) for key in keys if key.startswith("key/")]))
    found["security_log"] = len(meter.log("logs.security"))
    device.journal.close()
    return found


def boot(image):
    """Mount a copy of the flash and return what the meter knows, or why it does not boot."""
    flash = RecordedFlash(io.BytesIO(bytes(image)))
    vfs.mount(vfs.VfsLfs2(flash, progsize=PAGE_BYTES), "/flash")
    try:
        return knowledge()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        vfs.umount("/flash")
        gc.collect()


def change(image, kind, place, data, torn):
    """Carry out a write, or half of it."""
    if kind == ERASE:
        data = b"\xff" * BLOCK_BYTES
    size = len(data) // 2 if torn else len(data)
    image[place : place + size] = data[:size]


def entries(recording):
    """Yield each entry of the recording as (where it begins, kind, place, data)."""
    at = 0
    header = recording.read(ENTRY_BYTES)
    while header:
        kind, place, size = struct.unpack(ENTRY, header)
        yield at, kind, place, recording.read(size)
        at += ENTRY_BYTES + size
        header = recording.read(ENTRY_BYTES)


with open(image_path, "rb") as file:
    image = bytearray(file.read())
with open(recording_path, "rb") as recording:
    number = -int(start)
    for at, kind, place, data in entries(recording):
        if kind == SENT:
            continue
        for torn in (False, True):
            if number % int(step) == 0:
                copy = bytearray(image)
                if torn:
                    change(copy, kind, place, data, True)
                print(json.dumps({"at": at, "torn": torn, "found": boot(copy)}))
            number += 1
        change(image, kind, place, data, False)
