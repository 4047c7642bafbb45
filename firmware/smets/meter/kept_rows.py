"""Rows that come often, on their way to their logs through the journal. Loaded when a moment has some.

A row that is put into its log alone costs a flash an erase and a synchronisation. So a moment's rows go into the
journal with the meter's state of that moment, in one transaction: to a ring of _SLOTS values. When the ring is full, or
somebody wants such a log, they are appended to their logs together. Each has its place in its log with it: what a power
cut leaves of that is completed and nothing is appended twice, for a row whose place the log has already is passed over.

    rows/0 to rows/7    for each row: length of the log's name u8 | name | place u32 | count u8 | count values u32
"""

import struct

from micropython import const

_SLOTS = const(8)
_KEY = const("rows/%d")


def stage(meter):
    """Stage the rows that `meter.logs` keeps; return the slot that comes next once they are on flash.

    Until then it is not known what the journal has. Raises OSError as the stores do.
    """
    logs = meter.logs
    slot = logs.slot
    if slot is None or slot == _SLOTS:
        settle(logs)
        slot = 0
    packed = b""
    for name, row in logs.kept:
        place = logs.places.get(name)
        if place is None:
            place = logs.opened(name).end
        logs.places[name] = place + 1
        packed += _pack(name, place, row)
    logs.slot = None
    meter.stage(_KEY % slot, packed)
    return slot + 1


def settle(logs):
    """Bring what the journal has of rows to their logs; on flash when this returns. Raises OSError."""
    found = {}
    logs.places.clear()
    try:
        for slot in range(_SLOTS):
            _append(logs, logs.journal.get(_KEY % slot) or b"", found)
        for log in found.values():
            log.sync()
    except OSError:
        logs.release()  # what they have of it is known when they are opened again
        raise
    logs.slot = 0


def _append(logs, packed, found):
    """Append the rows of a slot that their logs do not have; `found` are the logs by name."""
    at = 0
    while at < len(packed):
        end = at + 1 + packed[at]
        name = packed[at + 1 : end].decode()
        log = found[name] = logs.opened(name)
        place, count = struct.unpack_from(">IB", packed, end)
        if place >= log.end:
            log.append(struct.unpack_from(">%dI" % count, packed, end + 5), False)
        at = end + 5 + 4 * count


def _pack(name, place, row):
    octets = name.encode()
    return bytes((len(octets),)) + octets + struct.pack(">IB%dI" % len(row), place, len(row), *row)
