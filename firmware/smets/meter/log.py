"""One log: rows of typed columns, packed into the records of its store. In the heap while a log is open.

Which logs there are, and their columns, stands in log_table.py; which store each has, in logs.py.
"""

import struct

from micropython import const

from smets import on_demand
from smets.meter.errors import OutOfRange, Unavailable
from smets.meter.fields import fits, pack_into, unpack_from, width

_SCAN = const(128)
"""Logs up to this long are searched row by row, so that rows out of order after a change of the clock are found."""
_TABLE = "smets.meter.log_table"


def open_log(name, has, open_store):
    """Return the Log `name` of a meter of which `has(condition)` is true; `open_store` as logs.py has it.

    Raises Unavailable when such a meter has none of that name, and what `open_store` raises.
    """
    found = on_demand.fetch(_TABLE, "find_log")(name, has)
    if found is None:
        raise Unavailable("the meter has no log " + name)
    columns, capacity = found
    return Log(columns, open_store(name, record_size(columns), capacity))


class Log:
    """One log. `columns` are (code of fields.py, count: 0 for one value, -1 for none); `store` keeps packed rows."""

    def __init__(self, columns, store):
        self._columns = columns
        self._store = store
        self._record = bytearray(record_size(columns))

    def __len__(self):
        """Return how many rows there are."""
        return len(self._store)

    @property
    def end(self):
        """The place of the row that is appended next."""
        return self._store.end

    def append(self, row, at_once=True):
        """Add a row, a tuple of a value for each column. Raises OutOfRange; nothing is added then.

        It is on flash when this returns, or if not `at_once` when `sync` does.
        """
        if len(row) != len(self._columns):
            raise OutOfRange("a row of another width")
        place = 0
        for (code, count), value in zip(self._columns, row):
            for one in _values(count, value):
                if not fits(code, one):
                    raise OutOfRange("a log's value")
                pack_into(code, self._record, place, one)
                place += width(code)
        self._store.append(self._record, at_once)

    def sync(self):
        """Bring what was appended to flash."""
        self._store.sync()

    def has_row_of(self, time_s):
        """Return whether the newest row is of that time; of a damaged log, which has no end, it is not."""
        return self.end > 0 and len(self) > 0 and self._time_s(len(self) - 1) == time_s

    def row(self, index):
        """Return row `index`, 0 the oldest, as a tuple, lists as lists. Raises IndexError."""
        self._store.read_into(index, self._record)
        found = zip(self._columns, self._unpack())
        return tuple([list(value) if count > 0 else value for (_, count), value in found])

    def rows(self, from_s=0, to_s=0xFFFFFFFF):
        """Yield the rows whose time is from `from_s` to `to_s`, both included, the oldest first.

        Lists in a row are iterators that end with the next row.
        """
        for place in self.places(from_s, to_s):
            yield self.values(place)

    def places(self, from_s=0, to_s=0xFFFFFFFF):
        """Return the places of those rows, a range or a list. A place is a row's for good, whatever is appended."""
        count = len(self._store)
        oldest = self._store.oldest
        if from_s == 0 and to_s == 0xFFFFFFFF:
            return range(oldest, oldest + count)
        if count > _SCAN:
            first = self._first_from(from_s)
            return range(oldest + first, oldest + max(first, self._first_from(to_s + 1)))
        return [oldest + index for index in range(count) if from_s <= self._time_s(index) <= to_s]

    def values(self, place):
        """Return the row at a place, lists in it as iterators that end with the next row. Raises IndexError.

        A row that left the ring since its place was asked for is still there as long as its store has it.
        """
        self.record_into(place, self._record)
        return self._unpack()

    def record_into(self, place, buffer):
        """Copy the row at a place, packed, into `buffer`. Raises IndexError."""
        self._store.read_into(place - self._store.oldest, buffer)

    def codes(self):
        """Return the struct codes of a packed row, one a number; None when it has texts."""
        found = ""
        for code, count in self._columns:
            if not isinstance(code, str):
                return None
            found += code[1:] * (count or 1) if count >= 0 else ""
        return found

    def clear(self):
        """Remove every row."""
        self._store.clear()

    def close(self):
        """Close the store; nothing waits to be written."""
        self._store.close()

    def _unpack(self):
        """Return the row that was read last, lists as iterators."""
        place, values = 0, []
        for code, count in self._columns:
            size = width(code)
            end = place + size * (count or 1) if count >= 0 else place
            if count > 0:
                values.append(self._elements(code, place, end))
            else:
                values.append(unpack_from(code, self._record, place) if end > place else 0)
            place = end
        return tuple(values)

    def _elements(self, code, place, end):
        """Yield a list's values one by one: a row of registers whole is more than a small heap has in one piece."""
        while place < end:
            yield unpack_from(code, self._record, place)
            place += width(code)

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


def record_size(columns):
    """Return the octets of a packed row."""
    return sum([width(code) * (count or 1) for code, count in columns if count >= 0])


def _values(count, value):
    """Return the single values of a column, none when this kind of meter does not keep it. Raises OutOfRange."""
    if count < 0:
        return ()
    if count == 0:
        return (value,)
    if not isinstance(value, (list, tuple)) or len(value) != count:
        raise OutOfRange("a log's list")
    return value
