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
    logs.slot = None  # what fails from here on leaves places that no row has
    packed = b""
    for name, row in logs.kept:
        place = logs.places.get(name)
        if place is None:
            place = logs.opened(name).end
        logs.places[name] = place + 1
        packed += _pack(name, place, row)
    meter.stage(_KEY % slot, packed)
    return slot + 1


def settle(logs):
    """Bring what the journal has of rows to their logs; on flash when this returns. Raises OSError.

    One log after the other: a small heap has no room for all of them open.
    """
    logs.places.clear()
    logs.slot = None  # until it is done: without their places more rows must not go to the ring
    try:
        for name in {row[0] for row in _rows(logs)}:
            was_open = name in logs.loaded
            log = logs.opened(name)
            for _, place, values in _rows(logs, name):
                if place >= log.end:
                    log.append(values, False)
            log.sync()
            if not was_open:
                logs.loaded.pop(name).close()
    except OSError:
        logs.release()  # what they have of it is known when they are opened again
        raise
    logs.slot = 0


def _rows(logs, of=None):
    """Yield (log's name, place, values) of the journal's rows, the oldest first: `of` one log, or without values."""
    for slot in range(_SLOTS):
        packed, at = logs.journal.get(_KEY % slot) or b"", 0
        while at < len(packed):
            end = at + 1 + packed[at]
            name = packed[at + 1 : end].decode()
            place, count = struct.unpack_from(">IB", packed, end)
            if of in (None, name):
                yield name, place, struct.unpack_from(">%dI" % count, packed, end + 5) if of else ()
            at = end + 5 + 4 * count


def _pack(name, place, row):
    octets = name.encode()
    return bytes((len(octets),)) + octets + struct.pack(">IB%dI" % len(row), place, len(row), *row)
