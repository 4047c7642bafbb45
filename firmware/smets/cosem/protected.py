"""Sensitive attributes: get_protected_attributes, method 1 of class 30 (IEC 62056-6-2 clause 4.4.9, GBCS 7.3.9).

    argument   structure( array( structure( u16 class, octets OBIS, i8 attribute, u16 0, restriction ) ), parameters )
    parameters array[1]( structure( enum 2, structure( octets 04||counter, octets from EUI, octets to EUI, octets "",
               structure( enum 2, structure( octets 02, octets "" ) ) ) ) )
    answer     structure( parameters, octets 31 00000000 || cipher text || tag )

The clear text is a structure of the attributes' values. In the request's parameters the party (the unknown one where
there is one) names the device, in the answer's the device names the recipient, which is the message's originator.
"""

from micropython import const

from smets.cosem import axdr, table
from smets.cosem.results import SCOPE_OF_ACCESS_VIOLATED, Refusal
from smets.cosem.selection import read_restriction
from smets.on_demand import fetch

SECURITY_HEADER = b"\x31\x00\x00\x00\x00"
_HEAD = b"\x01\x01\x02\x02\x16\x02\x02\x05"
_TAIL = b"\x09\x00\x02\x02\x16\x02\x02\x02\x09\x01\x02\x09\x00"
_MAX_ATTRIBUTES = const(8)
"""Attributes of one protected read; the reference messages have up to 2."""


class _Inner:
    """One attribute asked for, under the names that an item of the request has."""

    def __init__(self, reader):
        reader.expect(axdr.STRUCTURE, 5)
        reader.expect(axdr.U16)
        self.class_id = reader.number(2)
        reader.expect(axdr.OCTETS, 6)
        self.obis = bytes(reader.take(6))
        reader.expect(axdr.I8)
        self.member = reader.number(1, True)
        reader.expect(axdr.U16)
        if reader.number(2):
            raise axdr.AxdrError("data index")


class ProtectedRead:
    """Answers protected reads by way of the access service that it belongs to."""

    def __init__(self, service):
        self._service = service

    def perform(self, item, argument, sink):
        """Write the answer. Raises Refusal, AxdrError, SinkFull and what the meter raises; sealed or not at all."""
        attributes = axdr.Reader(argument.data, argument.pos, argument.end)
        attributes.expect(axdr.STRUCTURE, 2)
        argument.expect(axdr.STRUCTURE, 2)
        argument.skip()
        self._check_parameters(argument)
        self._service.check_faults(item, True)
        sink.byte(axdr.STRUCTURE)
        axdr.write_length(sink, 2)
        context = self._service.context
        sink.write(parameters(context.counter, context.device_eui, context.originator_eui))
        sink.byte(axdr.OCTETS)
        mark = sink.begin_length()
        self._write_sealed(item, attributes, sink)
        sink.end_length(mark)

    def _write_sealed(self, item, attributes, sink):
        sink.write(SECURITY_HEADER)
        start = sink.pos
        attributes.expect(axdr.ARRAY)
        count = attributes.count()
        if not 0 < count <= _MAX_ATTRIBUTES:
            raise axdr.AxdrError("attributes")
        sink.byte(axdr.STRUCTURE)
        axdr.write_length(sink, count)
        for _ in range(count):
            self._write_attribute(item, attributes, sink)
        self._service.make_room()
        protector = self._service.context.protector
        if sink.late_size(start):
            fetch("smets.cosem.late_seal", "seal")(sink, start, protector.begin())
        else:
            sink.write(protector.seal(sink.view(start, sink.pos)))

    def _write_attribute(self, item, attributes, sink):
        inner = _Inner(attributes)
        service, name = self._service, (inner.class_id, inner.obis, inner.member)
        if not service.context.allowed(table.PROTECTED, item.class_id, item.obis, item.member, name):
            raise Refusal(SCOPE_OF_ACCESS_VIOLATED)
        service.permit_object(inner.class_id, inner.obis, inner.member, table.INNER)
        service.read(inner, read_restriction(attributes), sink)

    def _check_parameters(self, reader):
        """Raise Refusal when the rest of the request is not the protection parameters of this very message."""
        context = self._service.context
        party = context.supplementary_eui or context.originator_eui
        if reader.take(reader.end - reader.pos) != parameters(context.counter, party, context.device_eui):
            raise Refusal(SCOPE_OF_ACCESS_VIOLATED)


def parameters(counter, from_eui, to_eui):
    """Return protection parameters as A-XDR: `_HEAD`, three octet strings, `_TAIL`."""
    return b"".join(
        (_HEAD, b"\x09\x09\x04", counter.to_bytes(8, "big"), b"\x09\x08", from_eui, b"\x09\x08", to_eui, _TAIL)
    )
