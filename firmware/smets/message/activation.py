"""CS06, Activate Firmware: the image that the meter holds becomes its firmware, now or later (GBCS 13.8).

command   SEQUENCE { image's hash, originator counter, [execution time] }
response  SEQUENCE { response code, firmware version }, or NULL when it is for later
"""

from micropython import const

from smets.message import generalized_time
from smets.on_demand import call
from smets.trust import der

_HASH_SIZE = const(32)
_ALERT = const(0x00CA)


def answer(command, use_case, cell, station, sink):
    """Carry out or schedule the activation and write the response; return False when the payload is not CS06's."""
    try:
        image_hash, counter, time_s = _read(command.payload)
    except der.DerError:
        return False
    if counter != int.from_bytes(bytes(command.counter), "big"):
        return False
    if time_s is None:
        sink.write(_outcome(*_activate(station.meter, image_hash)))
        station.meter.commit()
        return True
    if not call("smets.message.deferred", "schedule", station, command, time_s, __name__, image_hash):
        return False
    sink.write(der.NULL_ELEMENT)
    return True


def carry_out(instruction, station):
    """Carry out an activation whose time has come; see deferred.py."""
    meter = station.meter
    code, version = _activate(meter, bytes(instruction[5]))
    counter = der.encode_unsigned(der.INTEGER, int.from_bytes(instruction[4], "big"))
    outcome = counter, _outcome(code, version)
    for key, value in call("smets.message.deferred", "closing", instruction, _ALERT, not code, *outcome):
        meter.stage(key, value)
    meter.commit()


def _activate(meter, image_hash):
    """Let the meter take its image into use; return the response code and the version that runs then."""
    meter.call("firmware.activate", image_hash)
    return meter.read("firmware.outcome"), meter.read("firmware.version")


def _outcome(code, version):
    return der.encode(der.SEQUENCE, der.encode_unsigned(der.INTEGER, code), der.encode(der.OCTET_STRING, version))


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
