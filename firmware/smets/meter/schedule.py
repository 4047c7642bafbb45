"""Values that wait to replace others: passive values and the times at which they become active (GBCS 9.2).

A passive value is kept under its path until another is set, or it becomes active. An activation names one path or more
(joined by `+`), a time, and an opaque `origin` that comes back with the event when it is done: 0x8F66, or 0x8F67 when a
value did not fit. Where no passive value waits the active one stays. `call_at` lets a method of the meter be called at
a time, for cold components, through which no time flows.
"""

import struct
from binascii import crc32

from micropython import const

from smets.meter.errors import MeterError, Refused

NOW = const(0)
NEVER = const(0xFFFFFFFF)
_DONE = const(0x8F66)
_FAILED = const(0x8F67)
MAX_PENDING = const(32)
_KEY = "meter/schedule"
_MAX_STATE = const(4096)
"""The longest value of the journal."""
_CALL = const("!")
_ENTRY = ">IBB"


class Schedule:
    """Passive values and pending activations of `meter`, kept in the journal."""

    def __init__(self, meter):
        self._meter = meter
        self._is_running = False
        self._pending = []  # (time_s, paths, origin), in the order in which they came

    def passive(self, path):
        """Return the passive value of a path, the active one where none was set."""
        packed = self._meter.stored(_passive_key(path))
        return self._meter.read(path) if packed is None else self._meter.unpack(path, packed)

    def set_passive(self, path, value):
        """Keep a passive value. Raises OutOfRange or Unavailable as for the active one."""
        self._meter.stage(_passive_key(path), self._meter.pack(path, value))

    def activation(self, paths):
        """Return the time at which `paths` become active, NEVER when none is set."""
        for time_s, pending, _ in self._pending:
            if pending == paths:
                return time_s
        return NEVER

    def activate(self, paths, time_s, origin):
        """Let passive values become active NOW, at a time (one that has passed: at once, with the event), or NEVER.

        Takes the place of what was pending for the same paths. Raises Refused when too many are pending.
        """
        kept = [entry for entry in self._pending if entry[1] != paths]
        if time_s not in (NOW, NEVER):
            if len(kept) == MAX_PENDING:
                raise Refused("too many activations are pending")
            kept.append((time_s, paths, bytes(origin)))
        if len(kept) != len(self._pending) or time_s not in (NOW, NEVER):
            self._keep(kept)
        if time_s == NOW:
            self._copy(paths)
        self.run_due(self._meter.time_s)

    def call_at(self, path, time_s):
        """Let the method `path` be called with the time at `time_s`, instead of when it was to be; NEVER: not at all.

        Raises Refused when too much is pending.
        """
        self.activate(_CALL + path, time_s, b"")

    def next_boundary_s(self, now_s):
        """Return when the next activation or call is due, or None."""
        times = [max(entry[0], now_s + 1) for entry in self._pending]
        return min(times) if times else None

    def is_due(self, now_s):
        """Return whether an activation or call is due."""
        return any([entry[0] <= now_s for entry in self._pending])

    def run_due(self, now_s):
        """Carry out what is due, in the order of its times and then of its coming, and record each."""
        if self._is_running:
            return  # what is carried out asks for more: that is next
        self._is_running = True
        try:
            due = self._first_due(now_s)
            while due:
                self._run(due)
                due = self._first_due(now_s)
        finally:
            self._is_running = False

    def _first_due(self, now_s):
        first = None
        for entry in self._pending:
            if entry[0] <= now_s and (first is None or entry[0] < first[0]):
                first = entry
        return first

    def _run(self, entry):
        """Carry one out. When heap or flash fail it stays pending, and is carried out again."""
        time_s, paths, origin = entry
        before, packed = self._pending, self._meter.stored(_KEY)
        self._keep([each for each in before if each is not entry])  # what it calls may call again, and be asked for
        is_done = False
        try:
            code = self._carry_out(paths, time_s)
            if not paths.startswith(_CALL):
                self._meter.record(code, origin, time_s)
            is_done = True
        finally:
            if not is_done:
                self._pending = before
                self._meter.stage(_KEY, packed)

    def _carry_out(self, paths, time_s):
        """Make values active, or call a method; return the event that tells how it went."""
        try:
            if paths.startswith(_CALL):
                self._meter.call(paths[1:], time_s)
            else:
                self._copy(paths)
            return _DONE
        except MeterError:
            return _FAILED

    def pending(self):
        """Return what is pending, for `set_pending`."""
        return self._pending

    def set_pending(self, pending):
        """Let be pending what `pending` returned."""
        self._pending = pending

    def restore(self):
        """Take the pending activations back from the journal."""
        packed, place = self._meter.stored(_KEY) or b"", 0
        while place < len(packed):
            time_s, path_size, origin_size = struct.unpack_from(_ENTRY, packed, place)
            place += 6
            end = place + path_size + origin_size
            self._pending.append((time_s, packed[place : place + path_size].decode(), packed[place + path_size : end]))
            place = end

    def _copy(self, paths):
        """Make the passive values of `paths` active: all, or none when one does not fit. They wait no longer."""
        for step in (self._meter.check_packed, self._meter.adopt):
            for path in paths.split("+"):
                packed = self._meter.stored(_passive_key(path))
                if packed is not None:
                    step(path, packed)
        for path in paths.split("+"):
            if self._meter.stored(_passive_key(path)) is not None:
                self._meter.stage(_passive_key(path), None)

    def _keep(self, pending):
        """Let `pending` be what is pending. Raises Refused when it is more than the journal has room for."""
        parts = []
        for time_s, paths, origin in pending:
            parts.append(struct.pack(_ENTRY, time_s, len(paths), len(origin)) + paths.encode() + origin)
        packed = b"".join(parts)
        if len(packed) > _MAX_STATE:
            raise Refused("too much is pending")
        self._pending = pending
        self._meter.stage(_KEY, packed or None)


def _passive_key(path):
    """Return the journal's key for a path, which itself may be longer than a key can be."""
    return "passive/%08x" % crc32(path.encode())
