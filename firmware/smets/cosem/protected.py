"""Sensitive attributes: get_protected_attributes, method 1 of class 30 (IEC 62056-6-2 clause 4.4.9, GBCS 7.3.9).

    argument   structure( array( structure( u16 class, octets OBIS, i8 attribute, u16 0, restriction ) ), parameters )
    parameters array[1]( structure( enum 2, structure( octets 04||counter, octets from EUI, octets to EUI, octets "",
               structure( enum 2, structure( octets 02, octets "" ) ) ) ) )
    answer     structure( parameters, octets 31 00000000 || cipher text || tag )

The clear text is a structure of the attributes' values. In the request's parameters the party (the unknown one where there
is one) names the device, in the answer's the device names the recipient, which is the message's originator.
"""

from micropython import const

from smets.cosem import axdr, table
from smets.cosem.results import SCOPE_OF_ACCESS_VIOLATED, Refusal
from smets.cosem.selection import read_restriction

_SECURITY_HEADER = b"\x31\x00\x00\x00\x00"
_TAG_SIZE = const(12)
_AUTHENTICATED_AND_ENCRYPTED = const(2)
_AGREED_KEY = const(2)
_ECC_CDH = b"\x02"
_COMMAND_FLAG = const(4)
"""Before the counter in the transaction id: the CRA flag of encrypted parts."""
MAX_ATTRIBUTES = const(8)
"""Attributes of one protected read; the reference messages have up to 2."""


class _Inner:
    """One attribute asked for, under the names that an item of the request has."""

    __slots__ = ("class_id", "obis", "member")

    def __init__(self, reader):
        reader.expect(axdr.STRUCTURE, 5)
        reader.expect(axdr.U16)
        self.class_id = reader.scalar(axdr.U16)
        self.obis = bytes(reader.octets(6))
        reader.expect(axdr.I8)
        self.member = reader.scalar(axdr.I8)
        reader.expect(axdr.U16)
        if reader.scalar(axdr.U16):
            raise axdr.AxdrError("a data index other than 0")


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
        if argument.pos != argument.end:
            raise axdr.AxdrError("data after the value")
        self._service.check_faults(item)
        sink.byte(axdr.STRUCTURE)
        axdr.write_length(sink, 2)
        self._write_parameters(sink)
        sink.byte(axdr.OCTETS)
        mark = sink.begin_length()
        self._write_sealed(item, attributes, sink)
        sink.end_length(mark)

    def _write_sealed(self, item, attributes, sink):
        sink.write(_SECURITY_HEADER)
        start = sink.pos
        attributes.expect(axdr.ARRAY)
        count = attributes.count()
        if not 0 < count <= MAX_ATTRIBUTES:
            raise axdr.AxdrError("too many protected attributes, or none")
        sink.byte(axdr.STRUCTURE)
        axdr.write_length(sink, count)
        for _ in range(count):
            self._write_attribute(item, attributes, sink)
        sink.write(self._service.context.protector.seal(sink.view(start, sink.pos)))

    def _write_attribute(self, item, attributes, sink):
        inner = _Inner(attributes)
        service, name = self._service, (inner.class_id, inner.obis, inner.member)
        if not service.context.allowed(table.PROTECTED, item.class_id, item.obis, item.member, name):
            raise Refusal(SCOPE_OF_ACCESS_VIOLATED)
        service.permit_object(inner.class_id, inner.obis, inner.member, table.INNER)
        service.read(inner, read_restriction(attributes), sink)

    def _check_parameters(self, reader):
        """Pass over the request's protection parameters. Raises when they are not those of this message."""
        context = self._service.context
        reader.expect(axdr.ARRAY, 1)
        reader.expect(axdr.STRUCTURE, 2)
        _expect_enum(reader, _AUTHENTICATED_AND_ENCRYPTED)
        reader.expect(axdr.STRUCTURE, 5)
        names = (_transaction_id(context), context.supplementary_eui or context.originator_eui, context.device_eui, b"")
        for name in names:
            if reader.octets() != name:
                raise Refusal(SCOPE_OF_ACCESS_VIOLATED)
        reader.expect(axdr.STRUCTURE, 2)
        _expect_enum(reader, _AGREED_KEY)
        reader.expect(axdr.STRUCTURE, 2)
        if reader.octets() != _ECC_CDH or len(reader.octets()):
            raise axdr.AxdrError("another key agreement")

    def _write_parameters(self, sink):
        context = self._service.context
        sink.write(
            bytes((axdr.ARRAY, 1, axdr.STRUCTURE, 2, axdr.ENUM, _AUTHENTICATED_AND_ENCRYPTED, axdr.STRUCTURE, 5))
        )
        for name in (_transaction_id(context), context.device_eui, context.originator_eui, b""):
            axdr.write_octets(sink, name)
        sink.write(bytes((axdr.STRUCTURE, 2, axdr.ENUM, _AGREED_KEY, axdr.STRUCTURE, 2)))
        axdr.write_octets(sink, _ECC_CDH)
        axdr.write_octets(sink, b"")


def _expect_enum(reader, value):
    reader.expect(axdr.ENUM)
    if reader.byte() != value:
        raise axdr.AxdrError("another protection")


def _transaction_id(context):
    return bytes((_COMMAND_FLAG,)) + context.counter.to_bytes(8, "big")
