"""The stores of the meter's logs, in the heap until the logs are closed."""

from smets.on_demand import call
from smets.store.files import StoreCorrupt
from smets.store.segments import SegmentLog


def open_log(device, name, record_size, capacity):
    """Return the store of a log; the device says so, and does without, when it is damaged. Raises OSError."""
    try:
        return SegmentLog(device.store + "/logs", name, record_size, capacity)
    except StoreCorrupt as error:
        return call("smets.roles.integrity", "stand_in", device, name, error)
