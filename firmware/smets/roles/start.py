"""How the device is put together when it starts, and when it is provisioned. In the heap only then."""

import gc
import os

from smets.on_demand import call, collect_often, forget
from smets.store.journal import Journal
from smets.trust.cells import TrustAnchors
from smets.trust.device_keys import DeviceKeys
from smets.trust.identity import read_identity

_PROVISIONING = (
    "smets.trust.provisioning", "smets.trust.certificate", "smets.trust.der",
    "smets.trust.own_certificates", "smets.trust.manufacturer",
)  # fmt: skip


def open_store(folder):
    """Return the journal in a folder, which is made where there is none, and the device's keys and trust anchors.

    Raises StoreCorrupt and OSError.
    """
    if not exists(folder):
        os.mkdir(folder)
    call("smets.store.kept_message", "forget", folder)
    journal = Journal(folder + "/journal")
    keys = DeviceKeys(journal)
    return journal, keys, TrustAnchors(journal, keys)


def put_together(device):
    """Return the (meter, handler, reporting, bench) of a device; four times None when it is not provisioned yet."""
    identity = read_identity(device.journal)
    rooms = _rooms(device, identity) if identity else (None,) * 4
    forget((__name__, "smets.roles.meter_rooms"))
    return rooms


def _rooms(device, identity):
    device.provisioning = None
    forget(_PROVISIONING)
    gc.collect()
    from smets.roles import meter_rooms

    device.anchors.agree_all()
    rooms = meter_rooms.build(device, identity)
    if exists(device.store + "/slots"):
        call("smets.roles.firmware_start", "after_start", device, rooms[0])
        rooms[0].release()
    gc.collect()
    collect_often(False)
    return rooms


def exists(path):
    """Return whether there is a file or a folder."""
    try:
        os.stat(path)
    except OSError:
        return False
    return True
