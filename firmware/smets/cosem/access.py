"""The access service: an access-request in, an access-response out (IEC 62056-5-3 clause 9.3.9).

    request   D9 | invoke id u32 | 00 | count, specifications | count, data
    response  DA | invoke id u32 | 00 00 | count, data | count, results
    specification   choice (1 get, 2 set, 3 action, 4 get with selection) | class u16 | OBIS (6) | member i8 [selection]
    result          choice (a get with selection is answered as 1) | code

The items are carried out in order. The first that fails has its code; those after it are not carried out and have 250,
and null for data (GBCS 7.2.9); what was done before it stays done.

That is the meter's refusal. When the device itself fails, for want of heap or of flash, a command is all or nothing: it
is taken back, the first item answers 2 (temporary failure) or 1 (hardware fault), and all others 250.

A request that sets or acts, all of it now, is an event (0x8154 done, 0x8155 not) with its message code, as in the
reference event logs. Readings chosen: a request that only reads is no command, for SMETS2 tells them apart (5.6.2 and
5.6.3), and one that waits for its date has events of its own then (0x8F66, 0x8F67).
"""

import struct

from micropython import const

from smets.cosem import axdr, table
from smets.cosem.layout import LayoutCodec, Mismatch
from smets.cosem.results import (
    HARDWARE_FAULT,
    OBJECT_UNAVAILABLE,
    OTHER_REASON,
    READ_WRITE_DENIED,
    SCOPE_OF_ACCESS_VIOLATED,
    SUCCESS,
    TEMPORARY_FAILURE,
    TYPE_UNMATCHED,
    Refusal,
    result_of,
    result_of_missing,
)
from smets.cosem.selection import read_range
from smets.cosem.sink import SinkFull
from smets.meter.errors import MeterError
from smets.meter.schedule import NEVER, NOW
from smets.on_demand import collect, fetch

REQUEST = const(0xD9)
RESPONSE = const(0xDA)
GET = const(1)
SET = const(2)
ACTION = const(3)
GET_WITH_SELECTION = const(4)
_KINDS = {GET: table.READ, SET: table.WRITE, ACTION: table.INVOKE, GET_WITH_SELECTION: table.READ}
_DATA_PROTECTION = const(30)

MAX_ITEMS = const(64)
"""The most items of one request; the reference messages have up to 23."""
_RESULT_SIZE = const(2)
_COMMAND_DONE = const(0x8154)
_COMMAND_FAILED = const(0x8155)
_LONG = const(4352)
"""Octets of a request above which a list of it wants room that was there before (MAX_WHOLE of message/envelope.py)."""
_ROOM = const(4096)
"""The longest value that the meter keeps."""


class MalformedRequest(ValueError):
    """The payload is no access-request. Nothing was done; the message layer answers with an error of its own."""


class AccessContext:
    """What the message layer knows of the command that the request came in.

    EUIs are 8 octets; `supplementary_eui` is None unless an unknown remote party asked; `counter` is the originator
    counter, an int; `allowed(kind, class_id, obis, member, inner)` tells whether the use case has the item (`inner` is
    (class id, OBIS, attribute) of a protected read, else None); `protector.seal(buffer)` encrypts in place and
    returns the 12-octet tag; `origin` is opaque and comes back with the event when a future-dated change is made.
    """

    def __init__(self, device_eui, originator_eui, counter, message_code, allowed, protector=None, origin=b""):
        self.device_eui = self.recipient_eui = device_eui
        self.originator_eui = originator_eui
        self.supplementary_eui = None
        self.counter = counter
        self.message_code = message_code
        self.allowed = allowed
        self.protector = protector
        self.origin = origin


class Specification:
    """One item of a request; `selection` is where its selection's parameters are, for a get with selection."""

    def __init__(self, reader):
        self.choice = reader.byte()
        self.class_id = reader.number(2)
        self.obis = bytes(reader.take(6))
        self.member = reader.number(1, True)
        self.selection = None
        if self.choice not in _KINDS:
            raise axdr.AxdrError("no such item")
        if self.choice == GET_WITH_SELECTION:
            selector = reader.byte()
            start = reader.pos
            reader.skip()
            self.selection = selector, start, reader.pos


class AccessService:
    """Carries out access-requests on `meter` by the object table. `faults` (bench only) makes items fail.

    `store_errors` are the exceptions that the meter's stores raise: what ends in one is a hardware fault.
    `context` is that of the request being carried out.
    """

    context: AccessContext

    def __init__(self, objects, meter, faults=None, store_errors=(OSError,)):
        self._objects = objects
        self._meter = meter
        self._faults = faults
        self._store_errors = store_errors
        self._codec = LayoutCodec(meter)
        self._results = bytearray(MAX_ITEMS * _RESULT_SIZE)
        self._is_dated = False

    def execute(self, request, context, sink):
        """Carry out `request` (memoryview) and write the whole response to `sink`.

        Raises MalformedRequest before anything is done, and SinkFull when not even the results have room. What
        changed in the meter is on flash when this returns.
        """
        self.context = context
        self._is_dated = False
        invoke_id, items, data, count = _parse(request, self._results)
        sink.byte(RESPONSE)
        sink.write(invoke_id)
        sink.write(b"\x00\x00")
        axdr.write_length(sink, count)
        start, limit = sink.pos, sink.limit
        try:
            self._codec.room = bytearray(_ROOM) if len(request) > _LONG else None
            self._meter.begin()
            self._run(items, data, count, sink)
            collect()  # what the stores keep in the heap must not lie scattered behind garbage
            self._meter.commit()
        except self._store_errors:
            sink.back_to(start)
            sink.limit = limit
            self._fail_all(count, sink, HARDWARE_FAULT)
        except MemoryError:
            sink.back_to(start)
            sink.limit = limit
            self._fail_all(count, sink, TEMPORARY_FAILURE)
        self.make_room()
        self._log_outcome(count)
        axdr.write_length(sink, count)
        sink.write(memoryview(self._results)[: count * _RESULT_SIZE])

    def _log_outcome(self, count):
        """Record that a command was carried out, or was not; it is answered even if that cannot be kept."""
        results = self._results
        acts = [place for place in range(0, 2 * count, 2) if results[place] != GET]
        if not acts or self._is_dated:
            return
        failed = any([results[place + 1] != SUCCESS for place in range(0, 2 * count, 2)])
        try:
            code = struct.pack(">H", self.context.message_code)
            self._meter.record(_COMMAND_FAILED if failed else _COMMAND_DONE, information=code)
        except self._store_errors + (MemoryError,):
            self._meter.discard()
        self.make_room()

    def _fail_all(self, count, sink, result):
        """What was done could not be kept: take it back; no item may be taken for done, whatever it answered."""
        self._meter.discard()
        collect()
        for index in range(count):
            sink.byte(axdr.NULL)
            self._results[2 * index + 1] = OTHER_REASON if index else result

    def _run(self, items, data, count, sink):
        """Write each item's data and note its result."""
        limit, failed = sink.limit, False
        for index in range(count):
            self._meter.make_room()
            item = Specification(items)
            start = data.pos
            data.skip()
            argument = axdr.Reader(data.data, start, data.pos)
            # each item to come still needs a null, and all of them their results
            sink.limit = limit - (count - index - 1) - count * _RESULT_SIZE - 1
            result = OTHER_REASON if failed else self._attempt(item, argument, sink)
            if result != SUCCESS:
                sink.limit = limit
                sink.byte(axdr.NULL)
                failed = True
            self._results[2 * index + 1] = result
        sink.limit = limit

    def _attempt(self, item, argument, sink):
        """Carry out one item and return its result; a failed one leaves nothing in the sink."""
        mark = sink.pos
        try:
            self._item(item, argument, sink)
            return SUCCESS
        except (Refusal, axdr.AxdrError, Mismatch, SinkFull, MeterError) as error:
            result = result_of(error)
        except self._store_errors:
            if item.choice in (SET, ACTION):
                raise  # it may have been half done
            result = HARDWARE_FAULT
        sink.back_to(mark)
        return result

    def _item(self, item, argument, sink):
        if item.class_id == _DATA_PROTECTION and item.choice == ACTION:
            self.permit_object(item.class_id, item.obis, item.member, table.INVOKE)
            fetch("smets.cosem.protected", "ProtectedRead")(self).perform(item, argument, sink)
            return
        self.permit(item.class_id, item.obis, item.member, _KINDS[item.choice])
        if item.choice in (GET, GET_WITH_SELECTION):
            argument.expect(axdr.NULL)
            self.read(item, _selected_range(item, argument.data), sink)
        elif item.choice == SET:
            self._set(item, argument)
            sink.byte(axdr.NULL)
        else:
            self._act(item, argument)
            sink.byte(axdr.NULL)

    def permit(self, class_id, obis, member, kind):
        """Load the layout of an attribute or method. Raises Refusal when there is none or the use case lacks it."""
        self.permit_object(class_id, obis, member, kind)
        if not self.context.allowed(kind, class_id, obis, member, None):
            raise Refusal(SCOPE_OF_ACCESS_VIOLATED)

    def permit_object(self, class_id, obis, member, kind):
        """Load the layout of an attribute or method. Raises Refusal when this meter has none."""
        if not self._objects.find(class_id, obis, member, kind):
            raise Refusal(result_of_missing(self._objects.why_not(class_id, obis, member)))
        if not self._codec.is_present(self._objects.layout):
            raise Refusal(OBJECT_UNAVAILABLE)

    def read(self, item, selected, sink):
        """Write the value of the attribute whose layout is loaded; `selected` is (from_s, to_s) or None for all."""
        self.check_faults(item)
        if selected is None:
            self._codec.encode(self._objects.layout, sink)
            return
        if self._objects.layout[0] != axdr.COMPACT:
            raise Refusal(READ_WRITE_DENIED)
        self._codec.encode(self._objects.layout, sink, selected[0], selected[1])

    def _set(self, item, argument):
        self.check_faults(item)
        for paths, time_s in self._codec.decode(self._objects.layout, argument):
            self._is_dated = self._is_dated or time_s not in (NOW, NEVER)
            name = struct.pack(">H6sb", item.class_id, item.obis, item.member)
            self._meter.activate(paths, time_s, self.context.origin + name)

    def _act(self, item, argument):
        path, value = self._codec.take_argument(self._objects.layout, argument)
        self.check_faults(item, True)
        self._meter.call(path, value)

    def make_room(self):
        """Drop what was loaded of the meter: sealing and signing, which come next, want the heap.

        What the meter has still to work out of its changed tariff it does later, when it fails now.
        """
        self._codec.room = None
        try:
            self._meter.release()
        except self._store_errors + (MemoryError,):
            self._meter.discard()

    def check_faults(self, item, method=False):
        """Raise Refusal with the result that the bench has set for this attribute, or this method."""
        result = self._faults.result(item.class_id, item.obis, item.member, method) if self._faults else SUCCESS
        if result != SUCCESS:
            raise Refusal(result)


def _parse(request, results):
    """Check the whole request; return (invoke id, reader of the items, reader of the data, count).

    The choices of the items go into `results`.
    """
    reader = axdr.Reader(request)
    try:
        if reader.byte() != REQUEST:
            raise axdr.AxdrError("no access-request")
        invoke_id = reader.take(4)
        if reader.length() != 0:
            raise axdr.AxdrError("date-time")
        count = reader.length()
        if not 0 < count <= MAX_ITEMS:
            raise axdr.AxdrError("items")
        items = axdr.Reader(request, reader.pos)
        for index in range(count):
            choice = Specification(reader).choice
            results[2 * index] = GET if choice == GET_WITH_SELECTION else choice
        reader.expect(count)  # the data's count is an octet below 0x80, as MAX_ITEMS is
        data = axdr.Reader(request, reader.pos)
        for _ in range(count):
            reader.skip()
    except axdr.AxdrError as error:
        raise MalformedRequest(str(error))
    if reader.pos != reader.end:
        raise MalformedRequest("octets left over")
    return invoke_id, items, data, count


def _selected_range(item, data):
    """Return (from_s, to_s) of a get with selection, None of a plain get."""
    if item.selection is None:
        return None
    selector, start, end = item.selection
    if selector != 1:
        raise Refusal(TYPE_UNMATCHED)
    return read_range(axdr.Reader(data, start, end))
