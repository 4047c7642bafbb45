"""Whether a DLMS command asks only for what its use case names.

A MAC-only read's message code must not carry a contactor's action, so every item is looked up before the first is
carried out. When one is not of the use case nothing is: it answers 13 (scope of access violated), the others 250.
What a protected read asks for inside is judged by the access service, which has nothing to undo there.
"""

import struct

from micropython import const

from smets.cosem import axdr
from smets.cosem.access import ACTION, GET, GET_WITH_SELECTION, MAX_ITEMS, REQUEST, RESPONSE, SET, Specification
from smets.cosem.results import OTHER_REASON, SCOPE_OF_ACCESS_VIOLATED

_VERBS = {GET: 1, GET_WITH_SELECTION: 1, SET: 2, ACTION: 3}
"""Verbs of the use-case table, by the choices of an access-request."""
_INVOKE = const(3)
_PROTECTED = const(4)
_DATA_PROTECTION = const(30)
_INVOKE_FLAGS = const(0x20000000)
_INVOKE_MASK = const(0xFFFFFF)


def specifications(request):
    """Return (a reader of the items of an access-request, their number). Raises AxdrError when it is none."""
    reader = axdr.Reader(request)
    if reader.byte() != REQUEST:
        raise axdr.AxdrError("no access-request")
    reader.take(4)
    if reader.length():
        raise axdr.AxdrError("an access-request with a date-time")
    count = reader.length()
    if count > MAX_ITEMS:
        raise axdr.AxdrError("too many items")
    return reader, count


def has_own_invoke_id(request, counter):
    """Return whether an access-request's invoke id is the one made of the message's counter (8 bytes)."""
    expected = _INVOKE_FLAGS | int.from_bytes(bytes(counter), "big") & _INVOKE_MASK
    return len(request) > 5 and bytes(request[1:5]) == struct.pack(">I", expected)


def first_outside(request, allows):
    """Return the index of the first item that is not of the use case, or None; `allows` is UseCaseTable's, bound.

    Raises AxdrError for what is no access-request.
    """
    reader, count = specifications(request)
    outside = None
    for index in range(count):
        item = Specification(reader)
        if outside is None and not allows(_verb_of(item), item.class_id, item.obis, item.member):
            outside = index
    return outside


def _verb_of(item):
    verb = _VERBS[item.choice]
    return _PROTECTED if verb == _INVOKE and item.class_id == _DATA_PROTECTION else verb


def refuse(request, outside, sink):
    """Write the access-response of a request that was not carried out because of item `outside`."""
    reader, count = specifications(request)
    sink.byte(RESPONSE)
    sink.write(request[1:5])
    sink.write(b"\x00\x00")
    axdr.write_length(sink, count)
    sink.write(bytes(count))
    axdr.write_length(sink, count)
    for index in range(count):
        choice = Specification(reader).choice
        sink.byte(GET if choice == GET_WITH_SELECTION else choice)
        sink.byte(SCOPE_OF_ACCESS_VIOLATED if index == outside else OTHER_REASON)


def refuse_malformed(counter, sink):
    """Write the access-response of a payload that is no access-request of this message: no data and no results."""
    sink.byte(RESPONSE)
    sink.write(struct.pack(">I", _INVOKE_FLAGS | int.from_bytes(bytes(counter), "big") & _INVOKE_MASK))
    sink.write(bytes(4))
