"""CS06, Activate Firmware: the image that the meter holds becomes its firmware, now or later (GBCS 13.8).

command   SEQUENCE { image's hash, originator counter, [execution time] }
response  SEQUENCE { response code, firmware version }, or NULL when it is for later

Whether an image works is known when it has run: the device starts again with it, and answers afterwards.
"""

from micropython import const

from smets.message import generalized_time
from smets.message.station import NOTHING_DUE
from smets.on_demand import call
from smets.trust import der

_HASH_SIZE = const(32)
_AT_ONCE = const(0)
"""The time of an instruction that is a command for now, to be answered rather than told of."""
_ALERT = const(0x00CA)


def answer(command, use_case, cell, station, sink):
    """Carry out or schedule the activation and write the response; return False when the payload is not CS06's.

    None is returned when the device starts again first, and the response will be sent by `carry_out`.
    """
    try:
        image_hash, counter, time_s = _read(command.payload)
    except der.DerError:
        return False
    if counter != int.from_bytes(bytes(command.counter), "big"):
        return False
    if time_s is None:
        return _answer_now(command, station, image_hash, sink)
    _wait(station, command, time_s, image_hash)
    sink.write(der.NULL_ELEMENT)
    return True


def _answer_now(command, station, image_hash, sink):
    code = station.firmware.activate(image_hash, lambda: _wait(station, command, _AT_ONCE, image_hash))
    if code is None:
        return None
    sink.write(_outcome(code, station.meter))
    station.meter.commit()
    return True


def _wait(station, command, time_s, image_hash):
    call("smets.message.deferred", "schedule", station, command, time_s, __name__, image_hash)


def carry_out(instruction, station):
    """Carry out an activation whose time has come; see deferred.py. One that heap or flash do not take did nothing.

    What was half done would be kept with the next try, which then finds no image and tells that it failed.
    """
    station.meter.begin()
    is_over = False
    try:
        _carry_out(instruction, station)
        is_over = True
    finally:
        if not is_over:
            station.meter.discard()


def _carry_out(instruction, station):
    meter = station.meter
    code = station.firmware.activate(bytes(instruction[5]), _already_waiting)
    if code is None:
        station.due_s = NOTHING_DUE  # until the device has started again
        return
    outcome = _outcome(code, meter)
    meter.drop_cold()  # what the meter was told is staged; closing the instruction wants the room
    for key, value in _closing(instruction, code, outcome):
        meter.stage(key, value)
    meter.commit()
    station.firmware.told()


def _closing(instruction, code, outcome):
    if instruction[0] == _AT_ONCE:
        return call("smets.message.deferred", "answering", instruction, outcome)
    counter = der.encode_unsigned(der.INTEGER, int.from_bytes(instruction[4], "big"))
    return call("smets.message.deferred", "closing", instruction, _ALERT, not code, counter, outcome)


def _already_waiting():
    """Keep nothing: the instruction stays in the journal until it is closed."""


def _outcome(code, meter):
    """Return how an activation ended, and the version that runs now."""
    version = der.encode(der.OCTET_STRING, meter.read("firmware.version"))
    return der.encode(der.SEQUENCE, der.encode_unsigned(der.INTEGER, code), version)


def _read(view):
    start, stop = der.expect(view, 0, len(view), der.SEQUENCE)
    first, last = der.expect(view, start, stop, der.OCTET_STRING)
    image_hash, time_s = bytes(view[first:last]), None
    first, last = der.expect(view, last, stop, der.INTEGER)
    counter = der.read_unsigned(view, first, last)
    if last < stop:
        first, last = der.expect(view, last, stop, der.GENERALIZED_TIME)
        time_s = generalized_time.decode(view[first:last])
    if stop != len(view) or last != stop or len(image_hash) != _HASH_SIZE:
        raise der.DerError("no activation")
    return image_hash, counter, time_s
