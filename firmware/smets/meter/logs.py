"""The meter's logs: rows of typed columns, each log a ring kept in a store that is handed in.

A store has `append(record)`, `read_into(index, buffer)` with 0 the oldest, `clear()` and a length (store/segments.py).
The first column of every log is a time.
"""

import struct

from micropython import const

from smets.meter.errors import OutOfRange, Unavailable
from smets.meter.fields import fits, pack_into, unpack_from, width

_OTHER_INFORMATION = const(16)
"""The most octets of other information that an event log's row keeps."""
_SCAN = const(128)
"""Logs up to this long are searched row by row, so that rows out of order after a change of the clock are found."""

LOGS = (
    ("event", (">I", ">H", _OTHER_INFORMATION), 100),
    ("security", (">I", ">H"), 100),
    ("power_event", (">I", ">H", ">I"), 100),
    ("prepayment_daily", (">I", ">i", ">i", ">i", ">i", ">i", ">i"), 31),
    ("voltage_1", (">I", ">I"), 4320),
    ("voltage_2", (">I", ">I"), 4320),
    ("voltage_3", (">I", ">I"), 4320),
)
"""Name, columns (as the codes of fields.py), and how many rows are kept (SMETS2 5.7.5)."""
_PHASE_LOGS = {"voltage_2": 3, "voltage_3": 3}


class Log:
    """One log. `columns` are codes of fields.py; `store` keeps the packed rows."""

    def __init__(self, columns, store):
        self._columns = columns
        self._store = store
        self._record = bytearray(record_size(columns))

    def __len__(self):
        """Return how many rows there are."""
        return len(self._store)

    def append(self, row):
        """Add a row, a tuple of a value for each column. Raises OutOfRange; nothing is added then."""
        if len(row) != len(self._columns):
            raise OutOfRange("a row of another width")
        place = 0
        for code, value in zip(self._columns, row):
            if not fits(code, value):
                raise OutOfRange("a log's value")
            pack_into(code, self._record, place, value)
            place += width(code)
        self._store.append(self._record)

    def row(self, index):
        """Return row `index`, 0 the oldest, as a tuple. Raises IndexError."""
        self._store.read_into(index, self._record)
        return self._unpack()

    def rows(self, from_s=0, to_s=0xFFFFFFFF):
        """Yield the rows whose time is from `from_s` to `to_s`, both included, the oldest first."""
        count = len(self._store)
        scanned = count <= _SCAN
        for index in range(0 if scanned else self._first_from(from_s), count):
            time_s = self._time_s(index)
            if from_s <= time_s <= to_s:
                yield self._unpack()
            elif time_s > to_s and not scanned:
                return

    def clear(self):
        """Remove every row."""
        self._store.clear()

    def _unpack(self):
        """Return the row that was read last."""
        place, values = 0, []
        for code in self._columns:
            values.append(unpack_from(code, self._record, place))
            place += width(code)
        return tuple(values)

    def _time_s(self, index):
        self._store.read_into(index, self._record)
        return struct.unpack_from(">I", self._record, 0)[0]

    def _first_from(self, from_s):
        low, high = 0, len(self._store)
        while low < high:
            middle = (low + high) // 2
            if self._time_s(middle) < from_s:
                low = middle + 1
            else:
                high = middle
        return low


class Logs:
    """All logs of a meter. `open_store(name, record_size, capacity)` gives each its store, when it is first used."""

    def __init__(self, open_store, phases):
        self._open_store = open_store
        self._phases = phases
        self._open = {}

    def get(self, name):
        """Return a log. Raises Unavailable when this meter has none of that name."""
        if name not in self._open:
            for found, columns, capacity in LOGS:
                if found == name and self._phases >= _PHASE_LOGS.get(name, 1):
                    self._open[name] = Log(columns, self._open_store(name, record_size(columns), capacity))
                    break
            else:
                raise Unavailable("the meter has no log " + name)
        return self._open[name]

    def append(self, name, row):
        """Add a row to a log."""
        self.get(name).append(row)

    def call(self, method):
        """Carry out `clear_<log>`. Raises Unavailable for another method."""
        if not method.startswith("clear_"):
            raise Unavailable("logs have no method " + method)
        self.get(method[6:]).clear()


def record_size(columns):
    """Return the octets of a packed row."""
    return sum([width(code) for code in columns])
