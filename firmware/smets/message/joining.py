"""CS03A1 and CS04AC, Method A Join and Method A or C Unjoin: entries of the device log (GBCS 13.7).

command   CS03A1: SEQUENCE { join method, EUI, device type, [certificate] }; CS04AC: EUI
response  INTEGER

A meter is the initiator of a method A join. Entering a device that is entered with the same type changes nothing and
succeeds; the key agreement with it is the home area network's.
"""

from micropython import const

from smets.trust import der
from smets.trust.device_log import DeviceLog

_UNJOIN = const(1)
"""Form of the service; 0 is the join."""

_SUCCESS = const(0)
_WRONG_CODE = const(1)
_WRONG_METHOD = const(2)
_INCOMPATIBLE = const(3)
_LOG_FULL = const(4)
_WRITE_FAILURE = const(5)
_NOT_IN_LOG = const(1)
_OTHER_FAILURE = const(2)
"""Response codes of joining, then of unjoining."""

_METHOD_A_INITIATOR = const(0)
_LAST_METHOD = const(3)
_LAST_TYPE = const(0xFF)
_EUI_SIZE = const(8)


def answer(command, use_case, cell, station, sink):
    """Write the response; return False when the payload is not of this use case's shape."""
    try:
        code = (_unjoin if use_case.form == _UNJOIN else _join)(command.payload, DeviceLog(station.journal))
    except der.DerError:
        return False
    sink.write(der.encode_unsigned(der.INTEGER, code))
    return True


def _join(view, log):
    method, eui, device_type = _read_join(view)
    if method > _LAST_METHOD:
        return _WRONG_METHOD
    if method != _METHOD_A_INITIATOR:
        return _WRONG_CODE
    known = log.type_of(eui)
    if known is not None:
        return _SUCCESS if known == device_type else _INCOMPATIBLE
    if log.is_full():
        return _LOG_FULL
    try:
        log.add(eui, device_type)
    except OSError:
        return _WRITE_FAILURE
    return _SUCCESS


def _unjoin(view, log):
    eui, end = _read_eui(view, 0, len(view))
    if end != len(view):
        raise der.DerError("bytes after the EUI")
    if log.type_of(eui) is None:
        return _NOT_IN_LOG
    try:
        log.remove(eui)
    except OSError:
        return _OTHER_FAILURE
    return _SUCCESS


def _read_join(view):
    start, stop = der.expect(view, 0, len(view), der.SEQUENCE)
    first, last = der.expect(view, start, stop, der.INTEGER)
    method = der.read_unsigned(view, first, last)
    eui, last = _read_eui(view, last, stop)
    first, last = der.expect(view, last, stop, der.INTEGER)
    device_type = der.read_unsigned(view, first, last)
    if last < stop:
        _, last = der.expect(view, last, stop, der.SEQUENCE)
    if stop != len(view) or last != stop or device_type > _LAST_TYPE:
        raise der.DerError("no join")
    return method, eui, device_type


def _read_eui(view, start, stop):
    first, last = der.expect(view, start, stop, der.OCTET_STRING)
    if last - first != _EUI_SIZE:
        raise der.DerError("an EUI has 8 bytes")
    return bytes(view[first:last]), last
