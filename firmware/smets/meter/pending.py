"""Values that wait to replace others: passive values and the times at which they become active (GBCS 9.2).

A passive value is kept under its path until another is set, or it becomes active. An activation names one path or more
(joined by `+`), a time, and an opaque `origin` that comes back with the event when it is done: 0x8F66, or 0x8F67 when a
value did not fit. Where no passive value waits the active one stays. A call names a method of the meter instead.

Loaded when it is wanted. What is pending is kept in the journal, and by schedule.py in the heap.
"""

import struct
from binascii import crc32

from micropython import const

from smets.meter.errors import MeterError, Refused
from smets.meter.schedule import NEVER, NOW

_DONE = const(0x8F66)
_FAILED = const(0x8F67)
MAX_PENDING = const(32)
_KEY = "meter/schedule"
_MAX_STATE = const(4096)
"""The longest value of the journal."""
_CALL = const("!")
_ENTRY = ">IBB"
_ENTRY_SIZE = const(6)


def passive(meter, path):
    """Return the passive value of a path, the active one where none was set."""
    packed = meter.stored(_passive_key(path))
    if packed is None:
        return meter.read(path)
    component, name, _ = meter.resolve(path)
    return component.unpack(name, packed)


def set_passive(meter, path, value):
    """Keep a passive value. Raises OutOfRange or Unavailable as for the active one."""
    component, name, _ = meter.resolve(path)
    meter.stage(_passive_key(path), component.pack(name, value))


def call_at(schedule, path, time_s):
    """See schedule.py."""
    activate(schedule, _CALL + path, time_s, b"")


def activate(schedule, paths, time_s, origin):
    """See schedule.py."""
    kept = [entry for entry in schedule.pending if entry[1] != paths]
    if time_s not in (NOW, NEVER):
        if len(kept) == MAX_PENDING:
            raise Refused("too many activations are pending")
        kept.append((time_s, paths, bytes(origin)))
    if len(kept) != len(schedule.pending) or time_s not in (NOW, NEVER):
        _keep(schedule, kept)
    if time_s == NOW:
        _copy(schedule.meter, paths)
    run_due(schedule, schedule.meter.time_s)


def run_due(schedule, now_s):
    """See schedule.py."""
    if schedule.is_running:
        return  # what is carried out asks for more: that is next
    schedule.is_running = True
    try:
        due = _first_due(schedule, now_s)
        while due:
            _run(schedule, due)
            due = _first_due(schedule, now_s)
    finally:
        schedule.is_running = False


def restore(schedule):
    """Take what is pending back from the journal."""
    packed, place, found = schedule.meter.stored(_KEY) or b"", 0, []
    while place < len(packed):
        time_s, path_size, origin_size = struct.unpack_from(_ENTRY, packed, place)
        place += _ENTRY_SIZE
        end = place + path_size + origin_size
        found.append((time_s, packed[place : place + path_size].decode(), packed[place + path_size : end]))
        place = end
    schedule.pending = found


def _first_due(schedule, now_s):
    first = None
    for entry in schedule.pending:
        if entry[0] <= now_s and (first is None or entry[0] < first[0]):
            first = entry
    return first


def _run(schedule, entry):
    """Carry one out. When heap or flash fail it stays pending, and is carried out again."""
    time_s, paths, origin = entry
    meter, before = schedule.meter, schedule.pending
    packed = meter.stored(_KEY)
    _keep(schedule, [each for each in before if each is not entry])  # what it calls may call again, and be asked for
    is_done = False
    try:
        code = _carry_out(meter, paths, time_s)
        if not paths.startswith(_CALL):
            meter.record(code, origin, time_s)
        is_done = True
    finally:
        if not is_done:
            schedule.pending = before
            meter.stage(_KEY, packed)


def _carry_out(meter, paths, time_s):
    """Make values active, or call a method; return the event that tells how it went."""
    try:
        if paths.startswith(_CALL):
            meter.call(paths[1:], time_s)
        else:
            _copy(meter, paths)
        return _DONE
    except MeterError:
        return _FAILED


def _copy(meter, paths):
    """Make the passive values of `paths` active: all, or none when one does not fit. They wait no longer."""
    for is_check in (True, False):
        for path in paths.split("+"):
            packed = meter.stored(_passive_key(path))
            if packed is not None:
                component, name, _ = meter.resolve(path)
                if is_check:
                    component.check_packed(name, packed)
                else:
                    component.adopt(name, packed)
                    meter.tell(component.NAME, name, True)
    for path in paths.split("+"):
        if meter.stored(_passive_key(path)) is not None:
            meter.stage(_passive_key(path), None)


def _keep(schedule, pending):
    """Let `pending` be what is pending. Raises Refused when it is more than the journal has room for."""
    parts = []
    for time_s, paths, origin in pending:
        parts.append(struct.pack(_ENTRY, time_s, len(paths), len(origin)) + paths.encode() + origin)
    packed = b"".join(parts)
    if len(packed) > _MAX_STATE:
        raise Refused("too much is pending")
    schedule.pending = pending
    schedule.meter.stage(_KEY, packed or None)


def _passive_key(path):
    """Return the journal's key for a path, which itself may be longer than a key can be."""
    return "passive/%08x" % crc32(path.encode())
