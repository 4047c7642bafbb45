"""The meter's logs: rows of typed columns, each log a ring kept in a store that is handed in.

A store has `append(record)`, `read_into(index, buffer)` with 0 the oldest, `oldest`, the number of records that were
before that one, `end`, that of all there ever were, `clear()`, `close()` and a length (store/segments.py). It is opened
when its log is first used and closed by `release`. The code of an open log is in log.py, which whoever runs the meter
may forget after that.

Rows that come often, and those of credits, go through the journal (kept_rows.py): `kept` are those that the next commit
puts there.
"""

import sys

from smets import on_demand
from smets.meter.errors import Unavailable


class Logs:
    """All logs of a meter. `open_store(name, record_size, capacity)` gives each its store, when it is first used.

    `has(condition)` tells which kind of meter this is. `code` are the modules that opening a log loads;
    `loaded` are the open logs by name.
    """

    code: tuple = ("smets.meter.log",)

    def __init__(self, open_store, has, journal):
        self._open_store = open_store
        self._has = has
        self.loaded = {}
        self.journal = journal
        self.kept, self.places = [], {}
        self.slot = None  # of the journal, for what is kept next; None: what waits there is to be found out

    def get(self, name):
        """Return a log, with all its rows. Raises Unavailable when this meter has none of that name."""
        if self.slot != 0 and ("profile" in name or "voltage" in name or name in ("credits", "debt_payments")):
            on_demand.call("smets.meter.kept_rows", "settle", self)
        return self.opened(name)

    def opened(self, name):
        """Return a log as it is on flash; rows may wait for it in the journal. Raises Unavailable."""
        if name not in self.loaded:
            if "smets.meter.log" not in sys.modules:
                on_demand.collect()  # so that what comes lies together
            from smets.meter.log import open_log

            self.loaded[name] = open_log(name, self._has, self._open_store)
        return self.loaded[name]

    def append(self, name, row):
        """Add a row to a log."""
        self.get(name).append(row)

    def append_once(self, name, row):
        """Add the row of a moment to a log, unless it is there already.

        Rows are on flash before the meter's state is: after a power cut in between the meter lives that moment again,
        and so it does when its clock is put back a little behind it.
        """
        if not self.get(name).has_row_of(row[0]):
            self.get(name).append(row)

    def keep(self, name, row):
        """Add a row of numbers to a log with the next commit: the row of a moment and the meter's state are one."""
        self.kept.append((name, row))

    def call(self, method):
        """Carry out `clear_<log>`. Raises Unavailable for another method."""
        if not method.startswith("clear_"):
            raise Unavailable("logs have no method " + method)
        self.get(method[6:]).clear()

    def release(self):
        """Close every store; each is opened again when its log is used."""
        for log in self.loaded.values():
            log.close()
        self.loaded.clear()

    def put_away(self):
        """Close every store and forget the code of logs, which comes again with the next; CPython keeps it."""
        self.release()
        on_demand.forget(self.code)
