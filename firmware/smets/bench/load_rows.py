"""The file of a load table (host_tools/opensmets/bench/load_table.py writes it). Loaded when the load changes.

    head  "SMTL" | repeat_s u32 | base_s u32
    row   time_s u32 | import_w u32 | export_w u32 | voltage_dv u16, 0 where nothing is said of it: 230 V

All big-endian, times rising. A row holds until the next one's time, the last for good, and nothing flows before the
first. With `repeat_s` the times are those of a stretch that begins at `base_s` and comes again and again.
"""

import struct

from micropython import const

_MAGIC = const(b"SMTL")
_HEAD_SIZE = const(12)
_ROW = const(">IIIH")
_ROW_SIZE = const(14)
_NEVER = const(0xFFFFFFFF)
_USUAL_DV = const(2300)


def find(table, time_s):
    """Let a LoadTable's load be that of a time. Raises ValueError when its file is no table, OSError."""
    with open(table.path, "rb") as file:
        head = file.read(_HEAD_SIZE)
        if len(head) < _HEAD_SIZE or head[:4] != _MAGIC:
            raise ValueError(table.path + " is no table of loads")
        repeat_s, base_s = struct.unpack_from(">II", head, 4)
        rows = (file.seek(0, 2) - _HEAD_SIZE) // _ROW_SIZE
        turn_s = (time_s - base_s) // repeat_s * repeat_s if repeat_s else 0
        following = _first_after(file, rows, time_s - turn_s)
        following_s = _row(file, following)[0] if following < rows else base_s + repeat_s or _NEVER
        held = _row(file, following - 1) if following else (0, 0, 0, 0)
    table.since_s, table.until_s = held[0] + turn_s, min(following_s + turn_s, _NEVER)
    table.load.import_w, table.load.export_w = held[1], held[2]
    table.load.voltage_dv = (held[3] or _USUAL_DV,) * len(table.load.voltage_dv)


def _first_after(file, rows, time_s):
    """Return the place of the first row whose time is after `time_s`, `rows` when there is none."""
    low, high = 0, rows
    while low < high:
        middle = (low + high) // 2
        if _row(file, middle)[0] <= time_s:
            low = middle + 1
        else:
            high = middle
    return low


def _row(file, place):
    file.seek(_HEAD_SIZE + place * _ROW_SIZE)
    return struct.unpack(_ROW, file.read(_ROW_SIZE))
